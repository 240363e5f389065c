package metatest

import "testing"

func testTransactions(*testing.T, func(*testing.T) Opened) {}
func testIsolation(*testing.T, func(*testing.T) Opened)    {}
func testPages(*testing.T, func(*testing.T) Opened)        {}
func testFilters(*testing.T, func(*testing.T) Opened)      {}
func testTenants(*testing.T, func(*testing.T) Opened)      {}
func testSystem(*testing.T, func(*testing.T) Opened)       {}
