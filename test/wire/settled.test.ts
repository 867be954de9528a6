// Bytes in a `data:` URL are the same bytes however they are written.

import { expect, test } from "bun:test";
import { settled } from "#src/wire/settled.ts";

const dataOf = (url: string) => {
  const source = settled({ kind: "url", url });
  return source.kind === "base64" ? source.data : undefined;
};
const plain = (url: string) => Buffer.from(dataOf(url)!, "base64").toString();

test("percent signs stand for bytes where two digits follow, else for themselves", () => {
  expect(plain("data:,a%20%C3%A9%c3%a9é")).toBe("a ééé");
  expect(plain("data:,100%")).toBe("100%");
  expect(plain("data:,%4%zz%4g%%41")).toBe("%4%zz%4g%A");
  expect(plain("data:,")).toBe("");
});

test("base64 is without percent signs", () => {
  expect(dataOf("data:image/png;base64,iVBORw0KGgo%3D")).toBe("iVBORw0KGgo=");
  expect(dataOf("data:image/png;base64,AA%2BB%3D%3D")).toBe("AA+B==");
  expect(dataOf("data:image/png;base64,AA+B==")).toBe("AA+B==");
});
