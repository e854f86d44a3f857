// SPDX-License-Identifier: BSD-3-Clause
// Which connections `sluice conns` lists. A plain value; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/engine.h"

namespace sluice::cli {

class ConnFilter {
 public:
  // "state=ESTABLISHED", "local=10.77.0.1:80", "peer=10.77.0.2" (any port), "service=web".
  // A connection passes if it matches all of them, those with the same key as well.
  [[nodiscard]] static Result<ConnFilter> parse(std::span<const std::string> terms);
  [[nodiscard]] bool passes(const ConnectionReport& report) const;

 private:
  struct EndpointTerm {
    IpAddress address;
    std::optional<std::uint16_t> port;
  };
  static Result<EndpointTerm> parse_endpoint(const std::string& text);
  static bool match(const std::vector<EndpointTerm>& terms, const Endpoint& endpoint);

  std::vector<State> states_;
  std::vector<EndpointTerm> locals_, peers_;
  std::vector<std::string> services_;
};

}  // namespace sluice::cli
