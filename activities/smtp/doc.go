// Package smtp hands email to a mail server by SMTP (RFC 5321, 6409): the third choice beside SendGrid and Twilio, for those
// who have a relay of their own. It knows nothing of what becomes of a mail afterwards: there are no webhooks, and bounces come
// back as mail.
package smtp
