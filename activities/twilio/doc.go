// Package twilio speaks to Twilio's Messaging API through its official client: it sends text messages, verifies the
// signatures of webhooks and reads what they say. It knows nothing of sequences, and stores nothing.
//
// A message's status callback carries the ledger's id in its query, which Twilio signs along with the rest of the address.
package twilio
