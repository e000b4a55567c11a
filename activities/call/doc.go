// Package call does the HTTP requests of call and ats steps. A definition is written by somebody who may not run the server, so
// nothing it says is taken on trust:
//
//   - Only hosts that the operator listed are asked, over HTTPS, and at no other port than the listed one (hosts.go).
//   - No connection is made to an address inside: private, loopback, link-local, cloud metadata (activities/address). That is looked at
//     when the connection is made, on the address it is made to. A name that changes its address in between changes nothing.
//   - A redirect is a new request, held to the same rules. To another host it goes without the secret and without the step's
//     own headers (request.go).
//   - A secret is named by the step and set by the operator. Neither its value, nor the body, nor the query is ever part of an error.
//   - An answer is read up to a limit, in time and in size (answer.go).
//   - The applicant tracking system is told at one address that the operator set, by signed requests that follow no redirect
//     (ats.go).
//
// It keeps no cookies, takes no proxy from the environment, stores nothing and logs nothing. How often a call is tried is for
// its caller to say. What an answer holds is handed on as it is, except that numbers become float64, as everywhere in JSON here.
package call
