// The columns of generated data, as job.proto documents them.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin {

/// Of data.generated_ratings, in the order of their positions.
inline constexpr std::array<std::string_view, 10> kGeneratedColumns = {
    "user_age",     "user_activity", "user_group", "user_region", "item_age",
    "item_quality", "item_genre",    "item_maker", "item_tags",   "rating"};

/// Of data.generated_uniform, the same.
inline std::vector<std::string> UniformColumns(const GeneratedUniform& config) {
  std::vector<std::string> columns;
  for (int c = 0; c < config.n_columns(); ++c) columns.push_back("category_" + std::to_string(c));
  for (int l = 0; l < config.n_labels(); ++l) columns.push_back("label_" + std::to_string(l));
  return columns;
}

}  // namespace zhiyin
