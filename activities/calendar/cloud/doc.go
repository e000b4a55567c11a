// Package cloud is what calendars behind a JSON API have in common: requests with an access token (Client), and the mark by which
// an event that Rapport put there is known again in the version that it has (Mark).
package cloud
