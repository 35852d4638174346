// Ratings from a known linear model, so that the right answer can be computed.
//
//   rating = 3.5 + user part + item part + noise * N(0, 1)
//
// Each part is the sum of a weight for each of its categories and a weight times each of its
// numbers, brought to mean 0 and variance about 1. Weights are a pure function of the seed; row i
// is a pure function of (seed, i), so any row can be made without the ones before.
//
//   column         values                        column         values
//   user_age       uniform in [18, 80)           item_age       days, uniform in [0, 3650)
//   user_activity  visits a week, exponential    item_quality   normal
//   user_group     8 categories                  item_genre     18 categories
//   user_region    20 categories                 item_maker     50 categories
//   rating         the label                     item_tags      0 to 3 of 30, separated by |
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "common/random.h"
#include "worker/data/generated/worlds.h"

namespace zhiyin::worker::data {
namespace {

constexpr double kBias = 3.5;
constexpr double kDefaultNoise = 0.5;

constexpr int kGroups = 8;
constexpr int kRegions = 20;
constexpr int kGenres = 18;
constexpr int kMakers = 50;
constexpr int kTags = 30;
constexpr int kMaxTags = 3;

enum Column {
  kUserAge,
  kUserActivity,
  kUserGroup,
  kUserRegion,
  kItemAge,
  kItemQuality,
  kItemGenre,
  kItemMaker,
  kItemTags,
  kRating,
  kNumColumns
};

/// The known answer.
struct TrueWeights {
  explicit TrueWeights(uint64_t seed) {
    Random random(seed, 0, 0);  // a stream that no row has
    for (double* weight : {&age, &activity, &item_age, &quality}) *weight = 0.3 * random.Normal();
    for (std::span<double> weights :
         {std::span<double>(group), std::span<double>(region), std::span<double>(genre),
          std::span<double>(maker), std::span<double>(tag)}) {
      for (double& weight : weights) weight = 0.3 * random.Normal();
    }
  }

  double age = 0;
  double activity = 0;
  double item_age = 0;
  double quality = 0;
  std::array<double, kGroups> group;
  std::array<double, kRegions> region;
  std::array<double, kGenres> genre;
  std::array<double, kMakers> maker;
  std::array<double, kTags> tag;
};

class Ratings final : public World {
 public:
  explicit Ratings(const GeneratedRatings& config)
      : World(kNumColumns),
        seed_(config.seed()),
        noise_(config.has_noise() ? config.noise() : kDefaultNoise),
        weights_(config.seed()) {}

 private:
  void Make(int64_t i) override;
  /// Draws a category and sets a cell to its name; returns its weight.
  double SetCategory(Column column, std::string_view name, std::span<const double> weights,
                     Random* random);
  double SetTags(Random* random);

  uint64_t seed_;
  double noise_;
  TrueWeights weights_;
};

void Ratings::Make(int64_t i) {
  Random random(seed_, static_cast<uint64_t>(i));
  double rating = kBias;
  rating += weights_.age * (SetNumber(kUserAge, 18 + 62 * random.Uniform()) - 49) / 18;
  rating +=
      weights_.activity * (SetNumber(kUserActivity, -5 * std::log(1 - random.Uniform())) - 5) / 5;
  rating += SetCategory(kUserGroup, "group", weights_.group, &random);
  rating += SetCategory(kUserRegion, "region", weights_.region, &random);
  rating += weights_.item_age * (SetNumber(kItemAge, 3650 * random.Uniform()) - 1825) / 1054;
  rating += weights_.quality * SetNumber(kItemQuality, random.Normal());
  rating += SetCategory(kItemGenre, "genre", weights_.genre, &random);
  rating += SetCategory(kItemMaker, "maker", weights_.maker, &random);
  rating += SetTags(&random);
  SetNumber(kRating, rating + noise_ * random.Normal());
}

double Ratings::SetCategory(Column column, std::string_view name, std::span<const double> weights,
                            Random* random) {
  const size_t category = random->Below(weights.size());
  cell(column).assign(name).append(std::to_string(category));
  return weights[category];
}

double Ratings::SetTags(Random* random) {
  std::array<size_t, kTags> tags;
  for (size_t t = 0; t < tags.size(); ++t) tags[t] = t;
  const size_t n = random->Below(kMaxTags + 1);
  double sum = 0;
  std::string& tags_cell = cell(kItemTags);
  tags_cell.clear();
  for (size_t t = 0; t < n; ++t) {
    std::swap(tags[t], tags[t + random->Below(kTags - t)]);
    tags_cell.append(t > 0 ? "|tag" : "tag").append(std::to_string(tags[t]));
    sum += weights_.tag[tags[t]];
  }
  return sum;
}

}  // namespace

const WorldKind kRatings = {
    .name = "generated_ratings",
    .make = [](const Data& data) -> std::unique_ptr<World> {
      return std::make_unique<Ratings>(data.generated_ratings());
    },
    .columns = [](const Data&) -> std::vector<TableColumn> {
      return {{"user_age", ColumnKind::kNumber},
              {"user_activity", ColumnKind::kNumber},
              {"user_group"},
              {"user_region"},
              {"item_age", ColumnKind::kNumber},
              {"item_quality", ColumnKind::kNumber},
              {"item_genre"},
              {"item_maker"},
              {"item_tags", ColumnKind::kCategories},
              {"rating", ColumnKind::kNumber, true}};
    },
    .fill_defaults =
        [](Data* data) {
          if (!data->generated_ratings().has_noise())
            data->mutable_generated_ratings()->set_noise(kDefaultNoise);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path, const Data& data) {
          check.CheckNotNegative(path("noise"), data.generated_ratings().noise());
        },
};

}  // namespace zhiyin::worker::data
