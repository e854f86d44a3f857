// SPDX-License-Identifier: BSD-3-Clause
// Which connections `sluice conns` lists. A plain value; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "sluice/engine.h"

namespace sluice::cli {

class ConnFilter {
 public:
  // "state=ESTABLISHED", "local=10.77.0.1:80", "peer=10.77.0.2" (any port), "service=web".
  // A connection passes if it matches all of them.
  [[nodiscard]] static Result<ConnFilter> parse(std::span<const std::string> terms);
  [[nodiscard]] bool passes(const ConnectionReport& report) const;

 private:
  struct EndpointTerm {
    IpAddress address;
    std::optional<std::uint16_t> port;
  };
  static Result<EndpointTerm> parse_endpoint(const std::string& text);
  static bool matches(const std::optional<EndpointTerm>& term, const Endpoint& endpoint);

  std::optional<State> state_;
  std::optional<EndpointTerm> local_, peer_;
  std::optional<std::string> service_;
};

}  // namespace sluice::cli
