package teach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/regrant/regrant/connector"
)

// refusal reads the table of what the API says.
func refusal(resp *http.Response, body []byte, table string, step connector.Step) error {
	var said apiError
	_ = json.Unmarshal(body, &said) // no code is evidence, too
	f := &connector.Fault{Step: step, Err: fmt.Errorf("status %d, code %q", resp.StatusCode, said.Code),
		Facts: map[string]string{"status": strconv.Itoa(resp.StatusCode)}}
	switch {
	case said.Code == "token_revoked":
		f.Cause, f.Code, f.Step = connector.AccessChanged, "teach.token_revoked", connector.StepSignIn
		f.Public = "The shop does not take this token any more. Make a new one and enter it here."
	case said.Code == "token_expired":
		f.Cause, f.Code, f.Step = connector.Expired, "teach.token_expired", connector.StepSignIn
		f.Public = "The token has run out. Make a new one and enter it here."
	case said.Code == "table_denied":
		return deniedFault(table, f.Err)
	case resp.StatusCode == http.StatusTooManyRequests:
		f.Cause, f.Code, f.Retry = connector.Throttled, "teach.throttled", retryAfter(resp)
		f.Public = "The shop asks for a pause. Regrant goes on by itself."
	case resp.StatusCode >= http.StatusInternalServerError:
		f.Cause, f.Code = connector.Outage, "teach.server_error"
		f.Public = "The shop has a problem of its own. Regrant tries again by itself."
	default:
		f.Cause, f.Code = connector.Unknown, "teach.unseen"
		f.Public = "The shop said something that Regrant has not seen before."
	}
	return f
}

func retryAfter(resp *http.Response) time.Duration {
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return time.Duration(seconds) * time.Second
}

func deniedFault(table string, evidence error) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: "teach.table_denied", Step: connector.StepPrivileges,
		Scope: connector.OneTable, Table: table, Err: evidence,
		Public: "The token may not read this table. Give it the right to read it."}
}

// networkFault is for calls that got no whole answer. A cancelled one is our
// own doing.
func networkFault(step connector.Step, err error) error {
	if errors.Is(err, context.Canceled) {
		return &connector.Fault{Cause: connector.Ours, Code: "teach.cancelled", Step: step, Public: "The work was stopped.", Err: err}
	}
	return &connector.Fault{Cause: connector.Outage, Code: "teach.unreachable", Step: step,
		Public: "The shop cannot be reached. Regrant tries again by itself.", Err: err}
}

// foreignFault is for answers that are not the API's own, such as a firewall's
// page: nothing is known then.
func foreignFault(step connector.Step, err error) error {
	return &connector.Fault{Cause: connector.Unknown, Code: "teach.not_the_api", Step: step,
		Public: "Something else answered in the shop's place.", Err: err}
}

func positionFault(err error) error {
	return &connector.Fault{Cause: connector.Ours, Code: "teach.position", Step: connector.StepRead,
		Public: "Regrant lost its place in this table.", Err: fmt.Errorf("load the position: %w", err)}
}
