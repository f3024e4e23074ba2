// Deliveries signed in the way of each host.

import { createHmac } from "node:crypto";
import type { WebhookHost } from "@gantry/core/webhook/delivery.ts";

export const SECRET = "a-secret-of-the-git-host";
export type Headers = Record<string, string>;

const hex = (body: string, secret: string): string => createHmac("sha256", secret).update(body).digest("hex");
export const giteeToken = (time: number, secret = SECRET): string =>
  createHmac("sha256", secret).update(`${time}\n${secret}`).digest("base64");

/** How each host shows that it knows the secret, and names the delivery. */
export const SIGN: { readonly [Host in WebhookHost]: (body: string, id: string, secret?: string) => Headers } = {
  "bitbucket-dc": (body, id, secret = SECRET) => ({
    "x-hub-signature": `sha256=${hex(body, secret)}`,
    "x-request-id": id,
  }),
  "bitbucket-cloud": (body, id, secret = SECRET) => ({
    "x-hub-signature": `sha256=${hex(body, secret)}`,
    "x-request-uuid": id,
  }),
  github: (body, id, secret = SECRET) => ({
    "x-hub-signature-256": `sha256=${hex(body, secret)}`,
    "x-github-delivery": id,
  }),
  gitea: (body, id, secret = SECRET) => ({ "x-gitea-signature": hex(body, secret), "x-gitea-delivery": id }),
  gitlab: (_, id, secret = SECRET) => ({ "x-gitlab-token": secret, "idempotency-key": id }),
  gitee: (_, _id, secret = SECRET) => {
    const time = Date.now();
    return { "x-gitee-token": giteeToken(time, secret), "x-gitee-timestamp": String(time) };
  },
  harbor: (_, _id, secret = SECRET) => ({ authorization: secret }),
  sonarqube: (body, _id, secret = SECRET) => ({ "x-sonar-webhook-hmac-sha256": hex(body, secret) }),
};
