// SPDX-License-Identifier: BSD-3-Clause
#include "cli/conn_filter.h"

#include <fmt/format.h>

#include <algorithm>

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
      filter.states_.push_back(*state);
    } else if (key == "service") {
      filter.services_.push_back(value);
    } else {
      const Result<EndpointTerm> endpoint = parse_endpoint(value);
      if (!endpoint.ok()) return endpoint.error();
      (key == "local" ? filter.locals_ : filter.peers_).push_back(*endpoint);
    }
  }
  return filter;
}

bool ConnFilter::match(const std::vector<EndpointTerm>& terms, const Endpoint& endpoint) {
  return std::all_of(terms.begin(), terms.end(), [&](const EndpointTerm& term) {
    return term.address == endpoint.address && (!term.port || *term.port == endpoint.port);
  });
}

bool ConnFilter::passes(const ConnectionReport& report) const {
  const auto is = [](const auto& wanted, const auto& value) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) { return one == value; });
  };
  return is(states_, report.info.state) && is(services_, report.service) && match(locals_, report.info.local) &&
         match(peers_, report.info.peer);
}

}  // namespace sluice::cli
