// Package provider holds what the message providers have in common: how a request that failed is classified, and the
// shape of what they report back. Each provider's own words are in the package that is named after it.
package provider
