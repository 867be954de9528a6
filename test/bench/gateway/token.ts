// The token that the load brings, of the form of those the product makes.

export const BENCH_TOKEN = `brokecli_${"b".repeat(43)}`;
