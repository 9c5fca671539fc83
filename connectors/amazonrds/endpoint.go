package amazonrds

import (
	"regexp"
	"strings"
)

// kind is what stands behind one of Amazon's names.
type kind string

const (
	instance  kind = "instance"
	writer    kind = "cluster" // the one that writes, wherever it is at the moment
	reader    kind = "reader"  // any of the replicas
	custom    kind = "custom"  // a group that somebody put together
	proxy     kind = "proxy"
	shards    kind = "shard group"
	global    kind = "global" // the writer of a global database, in any region
	elsewhere kind = ""       // no name of Amazon's
)

// endpoint is what one of Amazon's names says.
type endpoint struct {
	name       string // in lower case, without a dot at the end
	kind       kind
	identifier string // what the customer called it
	region     string // "eu-central-1"; empty for global
	partition  string // "aws", "aws-cn", "aws-us-gov"
}

// parseEndpoint takes a name apart; one that is not Amazon's has kind elsewhere.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Endpoints.Types.html
func parseEndpoint(host string) endpoint {
	name := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
	e := endpoint{name: name, partition: "aws"}
	front, ok := e.cutDomain()
	if !ok {
		return endpoint{name: name}
	}
	labels := strings.Split(front, ".")
	switch {
	case len(labels) == 2: // name, account
		e.kind = kindOf(labels[1])
	case len(labels) == 3 && labels[1] == "endpoint" && strings.HasPrefix(labels[2], "proxy-"):
		e.kind = proxy
	default:
		return endpoint{name: name}
	}
	if labels[0] == "" || (e.kind == global) != (e.region == "") {
		return endpoint{name: name}
	}
	e.identifier = labels[0]
	return e
}

// cutDomain fills in region and partition. In China the region stands behind
// "rds", elsewhere before it.
func (e *endpoint) cutDomain() (front string, ok bool) {
	region := regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$`)
	rest := e.name
	if cut, china := strings.CutSuffix(rest, ".cn"); china {
		rest, e.partition = cut, "aws-cn"
	}
	rest, ok = strings.CutSuffix(rest, ".amazonaws.com")
	if !ok {
		return "", false
	}
	labels := strings.Split(rest, ".")
	n := len(labels)
	switch {
	case n >= 3 && labels[n-1] == "rds" && region.MatchString(labels[n-2]):
		e.region = labels[n-2]
	case n >= 3 && labels[n-2] == "rds" && region.MatchString(labels[n-1]):
		e.region = labels[n-1]
	case n >= 3 && labels[n-1] == "rds" && labels[n-2] == "global":
	default:
		return "", false
	}
	if strings.HasPrefix(e.region, "us-gov-") {
		e.partition = "aws-us-gov"
	}
	return strings.Join(labels[:n-2], "."), true
}

// kindOf reads the label behind the name: a hash of the account, after a word.
func kindOf(label string) kind {
	for _, p := range []struct {
		prefix string
		kind   kind
	}{
		{"cluster-ro-", reader}, {"cluster-custom-", custom}, {"cluster-", writer},
		{"proxy-", proxy}, {"shardgrp-", shards}, {"global-", global},
	} {
		if strings.HasPrefix(label, p.prefix) {
			return p.kind
		}
	}
	return instance
}

// domain is the end of every address of Amazon's services in the partition.
func domain(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// partitionOf is the partition of a region.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
