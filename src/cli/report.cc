// SPDX-License-Identifier: BSD-3-Clause
#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::cli {
namespace {

// Edits (insert, delete, replace, swap of neighbours) that make `b` of `a`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

Report::Report(std::string file, std::vector<std::string> set_values)
    : file_(std::move(file)), set_values_(std::move(set_values)) {}

void Report::add(Place place, std::string_view key, std::string_view what, std::string_view remedy) {
  defects_.push_back({place, fmt::format("{}: {}: {}; {}", where(place), key, what, remedy)});
}

void Report::add(Place place, std::string_view key, const lib::Fault& fault, std::string_view value) {
  add(place, key, fmt::format("{} ({})", fault.what, value), fault.remedy);
}

std::string Report::where(Place place) const {
  return place.set != 0 ? fmt::format("--set {}", place.set) : fmt::format("{}:{}:{}", file_, place.line, place.column);
}

std::vector<std::string> Report::messages() const {
  std::vector<Defect> sorted = defects_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Defect& a, const Defect& b) { return a.place < b.place; });
  std::vector<std::string> lines;
  lines.reserve(sorted.size());
  for (Defect& defect : sorted) lines.push_back(std::move(defect.text));
  return lines;
}

std::string nearest_remedy(std::string_view given, const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  // "msl" for "msl_ms": what is left out at the end is no misspelling.
  for (const std::string& name : known) {
    if (given.size() >= 3 && name.starts_with(given)) return "did you mean " + name + "?";
  }
  // A third of the letters may be wrong: more is another word.
  std::size_t best = std::max<std::size_t>(given.size() / 3, 1) + 1;
  for (const std::string& name : known) {
    if (const std::size_t distance = edit_distance(given.substr(0, 64), name); distance < best) {
      best = distance;
      nearest = &name;
    }
  }
  if (nearest != nullptr) return "did you mean " + *nearest + "?";
  return fmt::format("known here: {}", fmt::join(known, ", "));
}

}  // namespace sluice::cli
