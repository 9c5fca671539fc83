package api_test

import (
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// The product fills what the API asks for.
var (
	_ api.Heart   = (*integration.Service)(nil)
	_ api.Querier = warehouse.Warehouse(nil)
)
