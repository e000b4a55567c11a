// Package sandbox stands in for SendGrid, Twilio and an applicant tracking system on one machine.
//
// It answers the two providers' HTTP APIs as strictly as they do, keeps every request it accepted in Postgres, and posts
// their signed webhooks back to Rapport. In the browser it shows an inbox and a phone, so that a person can play the
// candidate: open a mail, click a link, reply, bounce, unsubscribe, text STOP.
//
// A message is committed before it is acknowledged, and so are the webhooks that follow from it: they are posted at least
// once, also when Rapport or the sandbox is killed in between. Timestamps inside webhooks come from an injected clock,
// because a demo may run on scaled time; pauses and retries run on real time.
//
// What the applicant tracking system is told it verifies, keeps and shows; nothing comes of it.
//
// The sandbox sends nothing to anyone. It is not a mail server and has no place in production.
package sandbox
