// SPDX-License-Identifier: BSD-3-Clause
#include "cli/stats_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string cell(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_boolean()) return found->get<bool>() ? "yes" : "no";
  return found->dump();
}

std::uint64_t count(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// By reference: a loop over items() must not outlive what it walks.
const Json& member(const Json& object, std::string_view key) {
  static const Json empty = Json::object();
  const auto found = object.find(key);
  return found == object.end() ? empty : *found;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// Columns as wide as their widest cell; a column of numbers stands on the right.
std::string render(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> width;
  std::vector<bool> right;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    width.resize(std::max(width.size(), rows[r].size()), 0);
    right.resize(width.size(), true);
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      width[c] = std::max(width[c], rows[r][c].size());
      const bool header = r == 0 && rows.size() > 1;
      if (!header && !rows[r][c].empty() && !is_number(rows[r][c])) right[c] = false;
    }
  }
  std::string out;
  for (const std::vector<std::string>& row : rows) {
    std::string line(indent);
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c != 0) line += "  ";
      line += right[c] ? fmt::format("{:>{}}", row[c], width[c]) : fmt::format("{:<{}}", row[c], width[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

// Every entry of an object of counts; with `nonzero`, those that occurred.
std::string counts(const Json& object, bool nonzero) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number_unsigned() || (nonzero && value.get<std::uint64_t>() == 0)) continue;
    rows.push_back({name, value.dump()});
  }
  return rows.empty() ? "  none\n" : render(rows, "  ");
}

std::string verdict_counts(const Json& stats) {
  const Json& texts = member(stats, "verdict_texts");
  std::vector<std::vector<std::string>> rows = {{"verdict", "frames", "severity", "meaning"}};
  for (const auto& [name, frames] : member(stats, "verdicts").items()) {
    if (!frames.is_number_unsigned() || frames.get<std::uint64_t>() == 0) continue;
    const Json& text = member(texts, name);
    rows.push_back({name, frames.dump(), cell(text, "severity"), cell(text, "text")});
  }
  return rows.size() == 1 ? "  none\n" : render(rows, "  ");
}

std::string port_table(const Json& stats) {
  std::vector<std::vector<std::string>> rows = {
      {"port", "link", "rx_frames", "rx_bytes", "tx_frames", "tx_bytes", "rx_missed", "rx_no_buffer", "tx_dropped"}};
  for (const Json& port : member(stats, "ports")) {
    std::vector<std::string> row = {cell(port, "name"), cell(port, "link_up") == "yes" ? "up" : "down"};
    for (std::size_t c = 2; c < rows[0].size(); ++c) row.push_back(cell(port, rows[0][c]));
    rows.push_back(row);
  }
  return render(rows, "  ");
}

// The addresses that ports have by autoconfiguration; "" when there are none.
std::string slaac_table(const Json& stats) {
  std::vector<std::vector<std::string>> rows = {{"port", "address", "deprecated"}};
  for (const Json& port : member(stats, "ports")) {
    for (const Json& ours : member(port, "slaac")) rows.push_back({cell(port, "name"), cell(ours, "address"), cell(ours, "deprecated")});
  }
  return rows.size() == 1 ? "" : "slaac\n" + render(rows, "  ");
}

std::string shard_table(const Json& stats) {
  std::vector<std::vector<std::string>> rows = {{"shard", "loops", "busy %", "rx_frames", "tx_frames", "buffers"}};
  std::string counters;
  for (const Json& shard : member(stats, "shards")) {
    const std::uint64_t loops = count(shard, "loops");
    const double busy =
        loops == 0 ? 0 : 100.0 * static_cast<double>(count(shard, "busy_loops")) / static_cast<double>(loops);
    rows.push_back({cell(shard, "index"), cell(shard, "loops"), fmt::format("{:.1f}", busy), cell(shard, "rx_frames"),
                    cell(shard, "tx_frames"), cell(shard, "buffers_in_use")});
    const Json& named = member(shard, "counters");
    if (!named.empty()) counters += fmt::format("counters of shard {}\n{}", cell(shard, "index"), counts(named, true));
  }
  return render(rows, "  ") + counters;
}

}  // namespace

std::string stats_table(const Json& stats) {
  return fmt::format("tcp\n{}states\n{}verdicts\n{}ports\n{}{}shards\n{}", counts(member(stats, "tcp"), false),
                     counts(member(stats, "states"), true), verdict_counts(stats), port_table(stats), slaac_table(stats),
                     shard_table(stats));
}

std::string conns_table(const std::vector<Json>& connections) {
  const std::vector<std::string> keys = {"local", "peer",   "state",       "service",   "shard",    "age_ms",
                                         "cwnd",  "srtt_us", "rto_us", "retransmits", "rx_queued", "tx_queued"};
  std::vector<std::vector<std::string>> rows = {keys};
  rows.reserve(connections.size() + 1);
  for (const Json& connection : connections) {
    std::vector<std::string> row;
    row.reserve(keys.size());
    for (const std::string& key : keys) row.push_back(cell(connection, key));
    rows.push_back(std::move(row));
  }
  return render(rows, "");
}

}  // namespace sluice::cli
