package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// number is the value of a flag that is a whole number. It says what would be right, where strconv names its functions.
type number struct{ pflag.Value }

// Set implements pflag.Value.
func (n number) Set(text string) error {
	err := n.Value.Set(text)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%q is too large a number", text)
	}
	return fmt.Errorf("%q is no whole number; write digits alone, such as 12", text)
}

// explainNumbers has all flags that are whole numbers say what is wrong with what they are given.
func explainNumbers(root *cobra.Command) {
	eachFlag(root, func(_ *cobra.Command, f *pflag.Flag) {
		if strings.HasPrefix(f.Value.Type(), "int") {
			f.Value = number{f.Value}
		}
	})
}
