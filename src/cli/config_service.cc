// SPDX-License-Identifier: BSD-3-Clause
// [[service]]
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/known_apps.h"
#include "cli/config_parts.h"
#include "cli/config_tree.h"
#include "lib/rules.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kListenExample = "[\"10.77.0.1:80\", \"[fd77::1]:80\"]";

class ServiceReader {
 public:
  ServiceReader(const toml::table& table, const std::string& key, Report& report)
      : table_(table), section_(table, key, report), report_(report) {}

  void read(ServiceConfig& out, const PortsSeen& ports, lib::Listening& listening) {
    const app::AppSpec* app = read_app(out);
    read_listen(out, app, ports, listening);
    section_.number("backlog", out.backlog, limits::kBacklog);
    section_.flag("nodelay", out.nodelay);
    section_.number("rcvbuf", out.rcvbuf, limits::kBufferBytes);
    section_.number("sndbuf", out.sndbuf, limits::kBufferBytes);
    read_keepalive(section_, out.keepalive);
    read_congestion_control(section_, out.congestion_control);
    section_.flag("pacing", out.pacing);
    section_.number("ttl", *out.ttl, limits::kTtl);
    section_.number("dscp", *out.dscp, limits::kDscp);
    if (out.app == "http") section_.number("idle_timeout_s", out.idle_timeout_s, limits::kIdleTimeoutS);
    if (app != nullptr) {
      for (const app::OptionSpec& option : app->options) read_option(option, out);
      check_groups(*app);
    } else {
      // Which keys an unknown app takes cannot be told.
      for (const auto& [key, value] : table_) static_cast<void>(section_.find(key.str()));
    }
    section_.finish();
  }

  // What is wrong with a value may show only when its app looks at the file that it names.
  void note_places(const ServiceConfig& service, std::map<std::string, std::string>& places) const {
    for (const auto& [option, value] : service.options) {
      places.emplace(section_.full_key(option), report_.where(section_.place(option)));
    }
  }

  bool read_name_into(std::string& out) { return read_name(section_, out); }
  [[nodiscard]] Place name_place() const { return section_.place("name"); }

 private:
  const app::AppSpec* read_app(ServiceConfig& out) {
    std::vector<std::string> names;
    for (const app::AppSpec& app : app::known_apps()) {
      if (app.available) names.emplace_back(app.name);
    }
    const std::string all = fmt::format("{}", fmt::join(names, ", "));
    if (!section_.has("app")) {
      static_cast<void>(section_.find("app"));
      section_.missing("app", fmt::format("write app = \"...\" with one of {}", all));
      return nullptr;
    }
    if (!section_.text("app", out.app)) return nullptr;
    const app::AppSpec* app = app::find_app(out.app);
    if (app == nullptr) {
      section_.wrong("app", fmt::format("unknown app ({})", printable(out.app)), nearest_remedy(out.app, names));
      return nullptr;
    }
    if (!app->available) {
      section_.wrong("app", fmt::format("does not work yet ({})", out.app), fmt::format("write one of {}", all));
      return nullptr;
    }
    return app;
  }

  void read_listen(ServiceConfig& out, const app::AppSpec* app, const PortsSeen& ports, lib::Listening& listening) {
    if (!section_.has("listen")) {
      static_cast<void>(section_.find("listen"));
      if (app != nullptr && app->listens) section_.missing("listen", fmt::format("write listen = {}", kListenExample));
      return;
    }
    std::size_t count = 0;
    const bool strings =
        section_.texts("listen", kListenExample, [&](const std::string& text, const std::string& key, Place place) {
          ++count;
          const Result<Endpoint> endpoint = Endpoint::parse(text);
          if (!endpoint.ok()) {
            report_value(report_, place, key, endpoint.error());
          } else if (const lib::Judgement bad_port = lib::judge_listen_port(*endpoint)) {
            report_.add(place, key, *bad_port, text);
          } else if (check_address(*endpoint, text, key, place, ports)) {
            if (const lib::Judgement taken = listening.claim(*endpoint, key)) {
              report_.add(place, key, *taken, endpoint->to_string());
            } else {
              out.listen.push_back(*endpoint);
            }
          }
        });
    if (strings && count == 0 && app != nullptr && app->listens) {
      section_.wrong("listen", "empty ([])", fmt::format("write listen = {}", kListenExample));
    }
  }

  bool check_address(const Endpoint& endpoint, const std::string& text, const std::string& key, Place place,
                     const PortsSeen& ports) {
    if (ports.incomplete) return true;
    const lib::Judgement fault = lib::judge_listen_address(ports.addresses, ports.slaac, endpoint);
    if (fault) report_.add(place, key, *fault, text);
    return !fault;
  }

  void read_option(const app::OptionSpec& option, ServiceConfig& out) {
    const std::string key(option.name);
    if (!section_.has(key)) {
      static_cast<void>(section_.find(key));
      if (option.required) section_.missing(key, remedy_for(option));
      return;
    }
    switch (option.kind) {
      case app::OptionKind::kNumber: {
        std::uint64_t number = 0;
        if (section_.number(key, number, option.min, option.max)) out.options[key] = std::to_string(number);
        break;
      }
      case app::OptionKind::kText: {
        std::string text;
        if (section_.text(key, text, option.max)) out.options[key] = text;
        break;
      }
      case app::OptionKind::kChoice: {
        const std::vector<std::string> choices(option.choices.begin(), option.choices.end());
        if (const auto chosen = section_.one_of(key, choices)) out.options[key] = choices[*chosen];
        break;
      }
    }
  }

  static std::string remedy_for(const app::OptionSpec& option) {
    switch (option.kind) {
      case app::OptionKind::kNumber: break;
      case app::OptionKind::kText: return fmt::format("write {} = \"...\"", option.name);
      case app::OptionKind::kChoice:
        return fmt::format("write {} = \"...\" with one of {}", option.name, fmt::join(option.choices, ", "));
    }
    return fmt::format("write {} = N", option.name);
  }

  void check_groups(const app::AppSpec& app) {
    for (std::size_t i = 0; i < app.options.size(); ++i) {
      const app::OptionSpec& second = app.options[i];
      if (second.group == 0 || !section_.has(second.name)) continue;
      for (std::size_t j = 0; j < i; ++j) {
        const app::OptionSpec& first = app.options[j];
        if (first.group != second.group || !section_.has(first.name)) continue;
        section_.wrong(second.name, fmt::format("cannot go with {} ({})", first.name, shown(*table_.get(second.name))),
                       "keep one of them");
        return;
      }
    }
  }

  const toml::table& table_;
  Section section_;
  Report& report_;
};

}  // namespace

void read_services(const toml::node& node, const TcpConfig& tcp, const PortsSeen& ports,
                   std::vector<ServiceConfig>& out, std::map<std::string, std::string>& places, Report& report) {
  FirstUses names;
  lib::Listening listening;
  for_each_table("service", node, report, [&](const toml::table& table, const std::string& key) {
    ServiceConfig service;
    service.keepalive = tcp.keepalive;
    service.congestion_control = tcp.congestion_control;
    service.pacing = tcp.pacing;
    service.ttl = tcp.ttl;
    service.dscp = tcp.dscp;
    // An answer is handed over whole: its last, short segment has nothing to wait for.
    const bool http = table["app"].value_or(std::string_view()) == "http";
    service.nodelay = http;
    service.idle_timeout_s = http ? 60 : 0;
    ServiceReader reader(table, key, report);
    if (reader.read_name_into(service.name)) {
      names.claim(service.name, key + ".name", reader.name_place(), lib::kNameOfServiceTwice, report);
    }
    reader.read(service, ports, listening);
    reader.note_places(service, places);
    out.push_back(std::move(service));
  });
}

}  // namespace sluice::cli
