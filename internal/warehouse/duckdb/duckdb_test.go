package duckdb_test

import (
	"testing"

	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/warehouse/duckdb"
	"github.com/regrant/regrant/internal/warehouse/warehousetest"
)

func open(t testing.TB, path string) warehouse.Warehouse {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Config{Path: path + ".duckdb"})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return w
}

func TestContract(t *testing.T) {
	t.Parallel()
	warehousetest.Run(t, open)
}
