// What a program needs to ask the gateway, for people. Pure.

export type Connection = {
  url: string;
  /** Null: of the client token, which is everybody's. */
  profile: string | null;
  name: string | null;
  token: string;
  expires: string | null;
};

/** URL, token, and how the official SDKs are told. */
export function snippets({ url, profile, name, token, expires }: Connection): string {
  const whose =
    profile === null
      ? "the client token: the live routing, or the profile that X-Broke-Profile names"
      : `${name}, bound to the profile ${profile}${expires === null ? "" : `, until ${expires}`}; it is not shown again`;
  return [
    `url    ${url}/v1`,
    `token  ${token}`,
    `       (${whose})`,
    "",
    "# OpenAI's SDKs",
    `export OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=${token}`,
    `client = OpenAI(base_url="${url}/v1", api_key="${token}")`,
    "",
    "# Anthropic's SDKs, Claude Code",
    `export ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=${token}`,
    `client = Anthropic(base_url="${url}", auth_token="${token}")`,
    "",
    "# Google's SDK, Gemini CLI",
    `export GOOGLE_GEMINI_BASE_URL=${url} GEMINI_API_KEY=${token}`,
    `client = genai.Client(api_key="${token}", http_options={"base_url": "${url}"})`,
  ].join("\n");
}
