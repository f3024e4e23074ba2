// One pipeline with one job at the site seoul, and the tokens of an agent that runs it.

/** The platform token. */
export const TOKEN = "platform-token-of-this-test";
/** The token of the site seoul. */
export const SEOUL = "runner-token-of-seoul-0";

/** Name of its file: release.yaml. */
export const PIPELINE = `
name: release
title: Release
button: Run release
app: none
jobs:
  work: { site: seoul, mode: strict, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }
`;
