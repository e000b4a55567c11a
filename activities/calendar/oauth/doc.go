// Package oauth connects somebody's account at a provider by OAuth 2.0: the authorization code flow with PKCE (RFC 6749, RFC 7636),
// and access tokens from then on. The state parameter, and where tokens are kept, are for the caller.
//
// One asks the owner (App.AuthURL), changes the code that comes back for a token (App.Exchange), and then has access tokens for as
// long as the owner does not withdraw the consent (App.Source).
package oauth
