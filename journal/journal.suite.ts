// What every adapter must do. The test file of each adapter runs this suite.

import { describe } from "node:test";
import { appendCases, brokenCases, conflictCases } from "./suite/append.ts";
import { concurrencyCases } from "./suite/concurrency.ts";
import { eventsCases } from "./suite/events.ts";
import { feedCases, waitingCases } from "./suite/feed.ts";
import { indexesCases, pagingCases } from "./suite/indexes.ts";
import { lifeCases } from "./suite/life.ts";
import { removeCases } from "./suite/remove.ts";
import { timeCases } from "./suite/time.ts";
import { makeTools, type Place } from "./suite/tools.ts";
import { valuesCases } from "./suite/values.ts";

export function journalSuite(adapter: string, makePlace: () => Promise<Place>): void {
  const tools = makeTools(makePlace);
  describe(`${adapter}: append and load`, () => appendCases(tools));
  describe(`${adapter}: conflicts`, () => conflictCases(tools));
  describe(`${adapter}: broken calls`, () => brokenCases(tools));
  describe(`${adapter}: values`, () => valuesCases(tools));
  describe(`${adapter}: removing`, () => removeCases(tools));
  describe(`${adapter}: events of a stream`, () => eventsCases(tools));
  describe(`${adapter}: indexes`, () => indexesCases(tools));
  describe(`${adapter}: pages`, () => pagingCases(tools));
  describe(`${adapter}: feed`, () => feedCases(tools));
  describe(`${adapter}: waiting for the feed`, () => waitingCases(tools));
  describe(`${adapter}: many at once`, () => concurrencyCases(tools));
  describe(`${adapter}: time`, () => timeCases(tools));
  describe(`${adapter}: closing and opening again`, () => lifeCases(tools));
}
