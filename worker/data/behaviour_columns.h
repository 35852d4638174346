// The columns that data.behaviour adds to the data. Config checks use the names;
// BehaviourExamples appends the values.
#pragma once

#include <array>
#include <string_view>

namespace zhiyin::worker::data {

inline constexpr std::string_view kHistoryColumn = "history";
inline constexpr std::string_view kLogShareColumn = "item_log_share";
inline constexpr std::array<std::string_view, 2> kBehaviourColumns = {kHistoryColumn,
                                                                      kLogShareColumn};

}  // namespace zhiyin::worker::data
