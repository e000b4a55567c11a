package crm

import "time"

// ListedAddress is an address on a provider's own list of those that it does not write to.
type ListedAddress struct {
	Address string
	Reason  SuppressionReason
	At      time.Time
}

// AddressList is a page of such a list.
type AddressList struct {
	Addresses []ListedAddress
	More      bool // there is another page
}
