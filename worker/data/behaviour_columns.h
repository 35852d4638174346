// The columns that data.behaviour adds to the data. Config checks know them by name;
// BehaviourExamples appends their values.
#pragma once

#include <array>
#include <string_view>

namespace zhiyin::worker::data {

inline constexpr std::array<std::string_view, 2> kBehaviourColumns = {"history", "item_log_share"};

}  // namespace zhiyin::worker::data
