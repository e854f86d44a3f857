// SPDX-License-Identifier: BSD-3-Clause
// What [[port]] and [[service]] have in common: names and uniqueness.
#include <fmt/format.h>

#include "cli/config_parts.h"
#include "cli/config_tree.h"

namespace sluice::cli {
bool read_name(Section& section, std::string& out) {
  if (!section.has("name")) {
    static_cast<void>(section.find("name"));
    section.missing("name", "write name = \"...\"");
    return false;
  }
  if (!section.text("name", out)) return false;
  if (lib::is_name(out)) return true;
  section.judge("name", lib::judge_name(out), out);
  out.clear();
  return false;
}

std::string element_key(std::string_view kind, const toml::table& table, std::size_t index) {
  const auto name = table["name"].value<std::string>();
  return name && lib::is_name(*name) ? fmt::format("{}.{}", kind, *name) : fmt::format("{}[{}]", kind, index);
}

bool for_each_table(std::string_view kind, const toml::node& node, Report& report,
                    const std::function<void(const toml::table& table, const std::string& key)>& each) {
  const auto* list = node.as_array();
  if (list == nullptr) {
    report.add(place_of(node), kind, fmt::format("wrong type ({})", shown(node)),
               fmt::format("write [[{}]] in double brackets, once for each", kind));
    return false;
  }
  bool good = true;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const toml::node& element = (*list)[i];
    if (const toml::table* table = element.as_table()) {
      each(*table, element_key(kind, *table, i));
    } else {
      report.add(place_of(element), fmt::format("{}[{}]", kind, i), fmt::format("wrong type ({})", shown(element)),
                 fmt::format("write [[{}]] and its keys below", kind));
      good = false;
    }
  }
  return good;
}

void report_value(Report& report, Place place, std::string_view key, const Error& error) {
  const std::size_t semicolon = error.message.rfind("; ");
  const std::string_view message = error.message;
  const bool split = semicolon != std::string::npos;
  report.add(place, key, printable(message.substr(0, semicolon), 160),
             split ? printable(message.substr(semicolon + 2), 160) : "correct it");
}

bool FirstUses::claim(const std::string& what, const std::string& key, Place place, std::string_view remedy,
                      Report& report) {
  const auto [owner, fresh] = owners_.try_emplace(what, key);
  if (!fresh) {
    report.add(place, key, fmt::format("already used by {} ({})", owner->second, printable(what)), remedy);
  }
  return fresh;
}

}  // namespace sluice::cli
