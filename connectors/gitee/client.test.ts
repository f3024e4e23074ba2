import { hostSuite } from "../git/host.suite.ts";

hostSuite("gitee");
