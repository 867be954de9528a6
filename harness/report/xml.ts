// Text as XML 1.0 holds it. Pure.

import { visible } from "#src/core/text.ts";

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Escaped for an element or an attribute; what XML has no character for is shown as `\u{hex}`. */
export const xmlText = (text: string): string =>
  visible(text.toWellFormed(), "lines")
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!)
    .replace(/[\n\t]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(/[\ufffe\uffff]/g, "\ufffd");

/** An element; `children` are XML already. */
export function element(
  name: string,
  attributes: Record<string, string | number>,
  children: readonly string[] = [],
): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlText(String(value))}"`);
  const head = `<${name}${words.join("")}`;
  return children.length === 0 ? `${head}/>` : `${head}>${children.join("")}</${name}>`;
}
