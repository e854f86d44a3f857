// SPDX-License-Identifier: BSD-3-Clause
#include "app/registry.h"

#include <array>
#include <string>
#include <string_view>

#include "app/options.h"
#include "app/services.h"

namespace sluice::app {
namespace {

struct Maker {
  std::string_view app;
  Result<ServiceFactory> (*make)(const ServiceConfig& config);
};

constexpr std::array<Maker, 7> kMakers = {{
    {"echo", make_echo},
    {"discard", make_discard},
    {"chargen", make_chargen},
    {"daytime", make_daytime},
    {"http", make_http},
    {"behave", make_behave},
    {"remote", make_remote},
}};

}  // namespace

Result<ServiceFactory> make_factory(const ServiceConfig& config) {
  const AppSpec* spec = find_app(config.app);
  if (spec != nullptr && spec->available) {
    if (Result<void> checked = check_options(*spec, config); !checked) return checked.error();
    for (const Maker& maker : kMakers) {
      if (maker.app == config.app) return maker.make(config);
    }
  }
  std::string all;
  for (const Maker& maker : kMakers) all.append(all.empty() ? "" : ", ").append(maker.app);
  return option_error(config, "app", "unknown app (" + config.app + ")", "write one of " + all);
}

}  // namespace sluice::app
