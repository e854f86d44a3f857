// SPDX-License-Identifier: BSD-3-Clause
// [tcp] and [dpdk].
#include <fmt/format.h>

#include <string>

#include "cli/config_parts.h"
#include "cli/config_tree.h"
#include "lib/rules.h"

namespace sluice::cli {
namespace {

void read_buffers(Section& section, std::uint32_t& out) {
  const toml::node* node = section.find("buffers");
  if (node == nullptr) return;
  if (node->is_string() && node->as_string()->get() == "auto") {
    out = 0;
  } else if (node->is_string()) {
    section.wrong("buffers", fmt::format("unknown value ({})", printable(node->as_string()->get())),
                  fmt::format("write \"auto\" or a whole number from {} to {}", limits::kPacketBuffers.min, limits::kPacketBuffers.max));
  } else {
    section.number("buffers", out, limits::kPacketBuffers);
  }
}

}  // namespace

void read_keepalive(Section& parent, KeepaliveConfig& out) {
  const toml::table* table = parent.table("keepalive");
  if (table == nullptr) return;
  Section section(*table, parent.full_key("keepalive"), parent.report());
  section.flag("enabled", out.enabled);
  section.number("idle_s", out.idle_s, limits::kKeepaliveS);
  section.number("interval_s", out.interval_s, limits::kKeepaliveS);
  section.number("probes", out.probes, limits::kKeepaliveProbes);
  section.finish();
}

void read_congestion_control(Section& section, CongestionControl& out) {
  section.choice<CongestionControl>("congestion_control", out,
                                    {{"cubic", CongestionControl::kCubic},
                                     {"newreno", CongestionControl::kNewReno},
                                     {"dctcp", CongestionControl::kDctcp},
                                     {"bbr", CongestionControl::kBbr},
                                     {"reno", CongestionControl::kNewReno}});
}

void read_tcp(const toml::table& table, TcpConfig& out, Report& report) {
  Section section(table, "tcp", report);
  section.number("msl_ms", out.msl_ms, limits::kMslMs);
  read_keepalive(section, out.keepalive);
  section.choice<SynCookies>("syn_cookies", out.syn_cookies,
                             {{"auto", SynCookies::kAuto},
                              {"always", SynCookies::kAlways},
                              {"never", SynCookies::kNever}});
  read_congestion_control(section, out.congestion_control);
  section.flag("pacing", out.pacing);
  section.number("max_connections", out.max_connections, limits::kMaxConnections);
  section.number("syn_cache", out.syn_cache, limits::kSynCache);
  read_buffers(section, out.buffers);
  section.number("rcvbuf", out.rcvbuf, limits::kBufferBytes);
  section.number("sndbuf", out.sndbuf, limits::kBufferBytes);
  section.flag("ecn", out.ecn);
  section.flag("fastopen", out.fastopen);
  section.number("ttl", out.ttl, limits::kTtl);
  section.number("dscp", out.dscp, limits::kDscp);
  section.number("seed", out.seed, 0, INT64_MAX);  // as much as TOML can write
  section.finish();
}

void read_dpdk(const toml::table& table, DpdkConfig& out, Report& report) {
  Section section(table, "dpdk", report);
  if (section.text("instance", out.instance, limits::kInstanceBytes.max)) {
    section.judge("instance", lib::judge_instance(out.instance), out.instance);
  }
  if (section.text("lcores", out.lcores)) section.judge("lcores", lib::judge_lcores(out.lcores), out.lcores);
  if (const toml::node* node = section.find("hugepages")) {
    if (const auto* flag = node->as_boolean()) {
      out.hugepages = flag->get() ? Hugepages::kOn : Hugepages::kOff;
    } else if (node->is_string() && node->as_string()->get() == "auto") {
      out.hugepages = Hugepages::kAuto;
    } else {
      section.wrong("hugepages", fmt::format("unknown value ({})", shown(*node)), "write true, false or \"auto\"");
    }
  }
  section.texts("eal_args", "[\"--log-level=lib.eal:debug\"]",
                [&](const std::string& text, const std::string& key, Place place) {
                  if (const lib::Judgement fault = lib::judge_eal_arg(text)) return report.add(place, key, *fault, printable(text));
                  out.eal_args.push_back(text);
                });
  section.finish();
}

}  // namespace sluice::cli
