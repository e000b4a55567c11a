package command

import "github.com/rapport-crm/rapport/api"

// pages reads page after page until there is none.
func pages(read func(after string) (next string, err error)) error {
	for after := ""; ; {
		next, err := read(after)
		if err != nil || next == "" {
			return err
		}
		after = next
	}
}

// collect reads all pages of a list.
func collect[T any](read func(after string) (api.Page[T], error)) (all []T, err error) {
	err = pages(func(after string) (string, error) {
		page, err := read(after)
		all = append(all, page.Items...)
		return page.Next, err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
