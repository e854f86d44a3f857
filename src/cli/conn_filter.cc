// SPDX-License-Identifier: BSD-3-Clause
#include "cli/conn_filter.h"

#include <fmt/format.h>

#include <vector>

#include "cli/report.h"

namespace sluice::cli {
namespace {

Result<State> parse_state(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kStates; ++i) {
    const auto state = static_cast<State>(i);
    if (text == state_name(state)) return state;
    names.emplace_back(state_name(state));
  }
  return Error{Errc::kInvalid, fmt::format("unknown state ({}); {}", printable(text), nearest_remedy(text, names))};
}

}  // namespace

Result<ConnFilter::EndpointTerm> ConnFilter::parse_endpoint(const std::string& text) {
  if (const Result<Endpoint> endpoint = Endpoint::parse(text); endpoint.ok()) {
    return EndpointTerm{endpoint->address, endpoint->port};
  }
  const Result<IpAddress> address = IpAddress::parse(text);
  if (address.ok()) return EndpointTerm{*address, std::nullopt};
  return Error{Errc::kInvalid, fmt::format("not an address ({}); write IP or IP:PORT, like 10.77.0.1 or [fd77::1]:80",
                                           printable(text))};
}

Result<ConnFilter> ConnFilter::parse(std::span<const std::string> terms) {
  ConnFilter filter;
  for (const std::string& term : terms) {
    const std::size_t equals = term.find('=');
    const std::string key = term.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : term.substr(equals + 1);
    if (value.empty() || (key != "state" && key != "local" && key != "peer" && key != "service")) {
      return Error{Errc::kInvalid, fmt::format("not a filter ({}); write state=STATE, local=IP:PORT, peer=IP:PORT or "
                                               "service=NAME",
                                               printable(term))};
    }
    if (key == "state") {
      const Result<State> state = parse_state(value);
      if (!state.ok()) return state.error();
      filter.state_ = *state;
    } else if (key == "service") {
      filter.service_ = value;
    } else {
      const Result<EndpointTerm> endpoint = parse_endpoint(value);
      if (!endpoint.ok()) return endpoint.error();
      (key == "local" ? filter.local_ : filter.peer_) = *endpoint;
    }
  }
  return filter;
}

bool ConnFilter::matches(const std::optional<EndpointTerm>& term, const Endpoint& endpoint) {
  return !term || (term->address == endpoint.address && (!term->port || *term->port == endpoint.port));
}

bool ConnFilter::passes(const ConnectionReport& report) const {
  return (!state_ || *state_ == report.info.state) && (!service_ || *service_ == report.service) &&
         matches(local_, report.info.local) && matches(peer_, report.info.peer);
}

}  // namespace sluice::cli
