// Package sendgrid speaks to Twilio SendGrid through its official client: it sends email, verifies the signatures of
// webhooks and reads what they say. It knows nothing of sequences, and stores nothing.
//
// A message carries the ledger's id as the custom argument rapport_message, which SendGrid repeats in every event.
package sendgrid
