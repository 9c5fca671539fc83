package amazonrds

import "testing"

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]endpoint{
		"shop.abcdefghijkl.eu-central-1.rds.amazonaws.com":              {kind: instance, identifier: "shop", region: "eu-central-1", partition: "aws"},
		" Shop.ABCDEFGHIJKL.eu-central-1.RDS.amazonaws.com. ":           {kind: instance, identifier: "shop", region: "eu-central-1", partition: "aws"},
		"shop.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com":         {kind: writer, identifier: "shop", region: "us-east-1", partition: "aws"},
		"shop.cluster-ro-abcdefghijkl.ap-southeast-2.rds.amazonaws.com": {kind: reader, identifier: "shop", region: "ap-southeast-2", partition: "aws"},
		"group.cluster-custom-abcdefghijkl.us-west-2.rds.amazonaws.com": {kind: custom, identifier: "group", region: "us-west-2", partition: "aws"},
		"pool.proxy-abcdefghijkl.us-east-2.rds.amazonaws.com":           {kind: proxy, identifier: "pool", region: "us-east-2", partition: "aws"},
		"ro.endpoint.proxy-abcdefghijkl.us-east-2.rds.amazonaws.com":    {kind: proxy, identifier: "ro", region: "us-east-2", partition: "aws"},
		"big.shardgrp-abcdefghijkl.eu-west-1.rds.amazonaws.com":         {kind: shards, identifier: "big", region: "eu-west-1", partition: "aws"},
		"world.global-abcdefghijkl.global.rds.amazonaws.com":            {kind: global, identifier: "world", partition: "aws"},
		"shop.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn":             {kind: instance, identifier: "shop", region: "cn-north-1", partition: "aws-cn"},
		"shop.cluster-abcdefghijkl.rds.cn-northwest-1.amazonaws.com.cn": {kind: writer, identifier: "shop", region: "cn-northwest-1", partition: "aws-cn"},
		"shop.abcdefghijkl.us-gov-west-1.rds.amazonaws.com":             {kind: instance, identifier: "shop", region: "us-gov-west-1", partition: "aws-us-gov"},
		"shop.cluster-ro-abcdefghijkl.us-gov-east-1.rds.amazonaws.com":  {kind: reader, identifier: "shop", region: "us-gov-east-1", partition: "aws-us-gov"},
		"db.example.com":                      {},
		"127.0.0.1":                           {},
		"":                                    {},
		"rds.amazonaws.com":                   {},
		"eu-central-1.rds.amazonaws.com":      {},
		"x.eu-central-1.rds.amazonaws.com":    {},
		"shop.abc.rds.amazonaws.com":          {},
		".abc.eu-central-1.rds.amazonaws.com": {},
		"shop.global-abc.eu-central-1.rds.amazonaws.com":                {},
		"shop.abcdefghijkl.eu-central-1.rds.amazonaws.com.evil.example": {},
		"a.b.c.d.eu-central-1.rds.amazonaws.com":                        {},
		"shop.abcdefghijkl.eu-central-1.rds.amazonaws.com:5432":         {},
	} {
		got := parseEndpoint(host)
		got.name = ""
		if got != want {
			t.Errorf("%q is %+v, want %+v", host, got, want)
		}
	}
}

func FuzzParseEndpoint(f *testing.F) {
	f.Add("shop.cluster-ro-abcdefghijkl.eu-central-1.rds.amazonaws.com")
	f.Add("shop.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn")
	f.Fuzz(func(t *testing.T, host string) {
		e := parseEndpoint(host)
		if e.kind == elsewhere && (e.region != "" || e.identifier != "") || e.kind != elsewhere && e.identifier == "" {
			t.Errorf("%q is %+v", host, e)
		}
	})
}
