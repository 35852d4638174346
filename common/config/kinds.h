// Lists of alternatives: the kinds of a network, of an optimizer, of a loss, ...
//
// A kind is described by a struct with the name of its field in the message's oneof, and functions
// that fill in its defaults, check it and make it. The struct is defined in the file of the kind. A
// list with one line for each kind declares them all; worker/model/network/networks.h is an
// example.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::config {

/// The name of the field that is set in this oneof of `message`; "" if none is.
std::string ChosenName(const google::protobuf::Message& message, const std::string& oneof);

/// "a, b or c", with `last` = "or".
std::string Listed(std::span<const std::string> names, const std::string& last);

/// The kind with this name; nullptr if there is none. Kind has a member `name`.
template <typename Kind>
const Kind* FindKind(std::span<const Kind* const> kinds, std::string_view name) {
  for (const Kind* kind : kinds) {
    if (name == kind->name) return kind;
  }
  return nullptr;
}

/// The names of all kinds, in order.
template <typename Kind>
std::vector<std::string> KindNames(std::span<const Kind* const> kinds) {
  std::vector<std::string> names;
  for (const Kind* kind : kinds) names.emplace_back(kind->name);
  return names;
}

}  // namespace zhiyin::config
