package command

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/deploy/local"
)

func receiptCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "receipt", Short: "Check receipts of erasures, and the keys that sign them", Args: cobra.NoArgs}
	cmd.AddCommand(verifyReceiptCommand(), receiptKeyCommand(), newReceiptKeyCommand())
	return cmd
}

func verifyReceiptCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check receipts against the installation's public key; needs nothing else, and no network",
		Long: `Check the receipts of a file, one or several after each other, against the public key that the installation is known by. Several are
also checked to follow each other, without one missing between them; - reads standard input.

    rapport receipt verify receipt.json --key "$(cat public.key)"
    rapport erasures list --json | rapport receipt verify - --key "$(cat public.key)"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if key == "" {
				return errors.New("--key is required: the public key that the installation is known by, as `rapport receipt key` prints it")
			}
			public, err := crm.ParsePublicReceiptKey(key)
			if err != nil {
				return fmt.Errorf("read --key: %w", err)
			}
			receipts, err := readReceipts(cmd, args[0])
			if err != nil {
				return err
			}
			if err := crm.VerifyChain(receipts, public); err != nil {
				cmd.Println("not valid: " + err.Error())
				return errNo
			}
			for i := range receipts {
				r, err := receipts[i].Read()
				if err != nil {
					return err
				}
				cmd.Printf("valid: %d, %s was erased (%s) on %s for %s\n", r.Number, r.Candidate, r.Mode, r.At.UTC().Format("2006-01-02 15:04:05"), r.Rule)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the public key, in base64 (required)")
	return cmd
}

// maxReceipts bounds a file of receipts, in bytes.
const maxReceipts = 1 << 30

func readReceipts(cmd *cobra.Command, path string) ([]crm.SignedReceipt, error) {
	in := cmd.InOrStdin()
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the file that was named
		if err != nil {
			return nil, fmt.Errorf("the receipts cannot be read; `rapport erasures list --json` prints them: %w", err)
		}
		defer file.Close()
		in = file
	}
	var receipts []crm.SignedReceipt
	for list := json.NewDecoder(io.LimitReader(in, maxReceipts)); ; {
		var r crm.SignedReceipt
		err := list.Decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(r.Receipt) == 0 {
			return nil, fmt.Errorf("%s is no receipt: it is the JSON that `rapport erase` prints", path)
		}
		receipts = append(receipts, r)
	}
	if len(receipts) == 0 {
		return nil, fmt.Errorf("%s holds no receipt", path)
	}
	return receipts, nil
}

func receiptKeyCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Print the public key, which receipts are checked with: of RAPPORT_RECEIPT_KEY, or of a local 'rapport up'",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := receiptKey()
			if err != nil {
				return err
			}
			if key == nil {
				if key, err = localReceiptKey(data); err != nil {
					return err
				}
			}
			cmd.Println(crm.PublicReceiptKey(key))
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "./.rapport", "the data folder of a local 'rapport up'")
	return cmd
}

func localReceiptKey(data string) (ed25519.PrivateKey, error) {
	raw, err := os.ReadFile(filepath.Join(data, local.ReceiptKeyFile)) //nolint:gosec // the folder that was named
	if err != nil {
		return nil, errNoReceiptKey
	}
	return crm.ParseReceiptKey(string(bytes.TrimSpace(raw)))
}

func newReceiptKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new-key",
		Short: "Print a new secret key for RAPPORT_RECEIPT_KEY",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { cmd.Println(crm.MakeReceiptKey()) },
	}
}
