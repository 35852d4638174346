// The columns of data.generated_ratings, as job.proto documents them.
#pragma once

#include <array>
#include <string_view>

namespace zhiyin {

/// In the order of their positions.
inline constexpr std::array<std::string_view, 10> kGeneratedColumns = {
    "user_age",     "user_activity", "user_group", "user_region", "item_age",
    "item_quality", "item_genre",    "item_maker", "item_tags",   "rating"};

}  // namespace zhiyin
