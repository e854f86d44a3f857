// SPDX-License-Identifier: BSD-3-Clause
// [tcp] and [dpdk].
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "cli/config_parts.h"
#include "cli/config_tree.h"
#include "cli/names.h"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kMaxWindow = 65535ULL << 14;  // RFC 7323 2.2
constexpr std::uint64_t kMinBuffer = 1024;
constexpr unsigned kMaxLcore = 127;  // DPDK as Debian builds it: RTE_MAX_LCORE 128

void read_buffers(Section& section, std::uint32_t& out) {
  const toml::node* node = section.find("buffers");
  if (node == nullptr) return;
  if (node->is_string() && node->as_string()->get() == "auto") {
    out = 0;
  } else if (node->is_string()) {
    section.wrong("buffers", fmt::format("unknown value ({})", printable(node->as_string()->get())),
                  "write \"auto\" or a whole number from 256 to 268435456");
  } else {
    section.number("buffers", out, 256, 1ULL << 28);
  }
}

bool read_lcore(std::string_view text, unsigned& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= kMaxLcore;
}

// "0", "0-3", "1,4-5", each element perhaps placed on a CPU with "@". DPDK's sets in brackets are for EAL to judge.
bool is_lcore_list(std::string_view list) {
  if (list.find('(') != std::string_view::npos) {
    return list.find_first_not_of("0123456789,-@()") == std::string_view::npos;
  }
  for (;;) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    if (const std::size_t at = item.find('@'); at != std::string_view::npos) {
      unsigned cpu = 0;
      if (!read_lcore(item.substr(at + 1), cpu)) return false;
      item = item.substr(0, at);
    }
    const std::size_t dash = item.find('-');
    unsigned first = 0;
    if (!read_lcore(item.substr(0, dash), first)) return false;
    if (unsigned last = first; dash != std::string_view::npos) {
      if (!read_lcore(item.substr(dash + 1), last) || last < first) return false;
    }
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

void read_keepalive(Section& parent, KeepaliveConfig& out) {
  const toml::table* table = parent.table("keepalive");
  if (table == nullptr) return;
  Section section(*table, parent.full_key("keepalive"), parent.report());
  section.flag("enabled", out.enabled);
  section.number("idle_s", out.idle_s, 1, 32767);
  section.number("interval_s", out.interval_s, 1, 32767);
  section.number("probes", out.probes, 1, 127);
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
  section.number("msl_ms", out.msl_ms, 1, 3'600'000);
  read_keepalive(section, out.keepalive);
  section.choice<SynCookies>("syn_cookies", out.syn_cookies,
                             {{"auto", SynCookies::kAuto},
                              {"always", SynCookies::kAlways},
                              {"never", SynCookies::kNever}});
  read_congestion_control(section, out.congestion_control);
  section.flag("pacing", out.pacing);
  section.number("max_connections", out.max_connections, 1, 1ULL << 28);
  section.number("syn_cache", out.syn_cache, 1, 1ULL << 24);
  read_buffers(section, out.buffers);
  section.number("rcvbuf", out.rcvbuf, kMinBuffer, kMaxWindow);
  section.number("sndbuf", out.sndbuf, kMinBuffer, kMaxWindow);
  section.flag("ecn", out.ecn);
  section.flag("fastopen", out.fastopen);
  section.number("ttl", out.ttl, 1, 255);
  section.number("dscp", out.dscp, 0, kMaxDscp);
  section.number("seed", out.seed, 0, INT64_MAX);
  section.finish();
}

void read_dpdk(const toml::table& table, DpdkConfig& out, Report& report) {
  Section section(table, "dpdk", report);
  // The instance names the control socket and DPDK's runtime directory.
  if (section.text("instance", out.instance, 64) && !is_instance_name(out.instance)) {
    section.wrong("instance", fmt::format("not a file name ({})", printable(out.instance)),
                  "use letters, digits, '-', '_' and '.', not '.' first");
  }
  if (section.text("lcores", out.lcores) && !is_lcore_list(out.lcores)) {
    section.wrong("lcores", fmt::format("not a list of cores ({})", printable(out.lcores)),
                  fmt::format("write numbers from 0 to {} like \"0\", \"0-3\" or \"1,4-5\"", kMaxLcore));
  }
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
                [&out](const std::string& text, const std::string&, Place) { out.eal_args.push_back(text); });
  section.finish();
}

}  // namespace sluice::cli
