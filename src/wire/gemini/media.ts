// What kind of thing an address leads to, by the end of its name: Google wants to be told.

const byEnd: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  heic: "image/heic",
  heif: "image/heif",
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/plain",
  html: "text/html",
  csv: "text/csv",
};

/** Google's picture types; others are refused. */
export const PICTURES = new Set(["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"]);

/** The media type of what is behind a URL; undefined when its name does not tell. */
export function mediaTypeOf(url: string): string | undefined {
  const path = url.replace(/[?#].*$/s, "");
  return byEnd[/\.([a-z]{2,4})$/i.exec(path)?.[1]?.toLowerCase() ?? ""];
}
