import type { notifyFormats, NotifyEvent } from './settings';

/** Something that happens to a stack. Without a secret. */
export interface Notice {
  readonly event: NotifyEvent;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** `deploy`, `revert`, `drill`, … */
  readonly kind: string;
  /** `revert to r3`. */
  readonly what: string;
  /** `user@host`. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** Why, in the words of whoever did it. @default none were given */
  readonly message?: string;
  readonly seconds?: number;
  /** `done`, `put-back`, … @default it has not ended */
  readonly result?: string;
  /** The release that runs. @default none is known */
  readonly release?: number;
  /** What has failed, which trigger holds, or what differs. */
  readonly failure?: string;
}

const longestFailure = 1500;

/** A notice in words. */
export function noticeText(notice: Notice): string {
  const { event, stack, what, by, message, seconds, result, release, failure } = notice;
  const why = message === undefined ? '' : `: ${message}`;
  const time = seconds === undefined ? '' : ` after ${seconds.toFixed(1)} s`;
  const runs = release === undefined ? '' : ` r${release} runs.`;
  const more = failure === undefined ? '' : `\n${failure.slice(0, longestFailure)}`;
  switch (event) {
    case 'start':
      return `${stack}: ${what} begins (${by})${why}`;
    case 'success':
      return `${stack}: ${what} is done${time}.${runs}`;
    case 'trigger':
      return `${stack}: a reason to roll back.${more}`;
    case 'drift':
      return `${stack}: ${what}.${more}`;
    case 'failure':
      return `${stack}: ${what} has failed${time}${result === 'put-back' ? '; what ran before runs again' : ''}.${runs}${more}`;
  }
}

/**
 * What is sent to a webhook. Slack takes `text`: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 * Teams takes a message with an Adaptive Card:
 * https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
 */
export function payloadOf(notice: Notice, format: (typeof notifyFormats)[number]): object {
  const text = noticeText(notice);
  if (format === 'json') return { ...notice, text };
  if (format === 'slack') return { text };
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [{ type: 'TextBlock', text, wrap: true }],
        },
      },
    ],
  };
}
