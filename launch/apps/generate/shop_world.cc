#include "launch/apps/generate/shop_world.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"

namespace zhiyin::launch::apps {

using worker::data::ColumnKind;
using worker::data::DataTable;
using worker::data::TableWriter;
using worker::data::Value;

namespace {

// Streams that no row has.
constexpr uint64_t kUsers = 1;
constexpr uint64_t kItems = 2;
constexpr uint64_t kGroups = 3;
constexpr uint64_t kBrands = 4;

constexpr int kAges = 6;
constexpr int kBrandNames = 20;
constexpr std::array<std::string_view, 18> kCategories = {
    "teapot", "pan",    "bowl",  "shovel", "seeds", "lantern", "tent",  "stove", "hammock",
    "racket", "skates", "kayak", "guitar", "drum",  "flute",   "novel", "atlas", "comic"};
constexpr std::array<std::string_view, 6> kStyleNames = {"rustic",  "modern",  "retro",
                                                         "playful", "classic", "minimal"};
constexpr std::array<std::string_view, 8> kColours = {"red",   "blue",   "green", "white",
                                                      "black", "yellow", "grey",  "brown"};
constexpr std::array<std::string_view, 6> kAgeNames = {"under-20", "20-29", "30-39",
                                                       "40-49",    "50-59", "over-60"};

}  // namespace

Shop ShopWorld::WithDefaults(Shop config) {
  FillDefault(&config, "n_users", 500, int64_t{10'000'000});
  FillDefault(&config, "n_items", 300, int64_t{10'000'000});
  FillDefault(&config, "n_new_items", 150, int64_t{10'000'000}, 0);
  FillDefault(&config, "n_events", 2'000'000, int64_t{1} << 40);
  FillDefault(&config, "n_days", 30, 100'000);
  FillDefault(&config, "n_new_days", 2, config.n_days() - 1);
  if (!config.has_drift()) config.set_drift(0.1);
  if (!(config.drift() >= 0 && config.drift() <= 100))
    Fail("shop: drift is ", config.drift(), ", expected 0 to 100");
  if (!config.has_new_share()) config.set_new_share(0.05);
  if (!(config.new_share() >= 0 && config.new_share() <= 1))
    Fail("shop: new_share is ", config.new_share(), ", expected 0 to 1");
  return config;
}

ShopWorld::ShopWorld(const Shop& config) : config_(config) {
  const auto of_group = [&](uint64_t kind, int group, int k) {
    return Random(config_.seed(), kind * 1000 + static_cast<uint64_t>(group), kGroups,
                  static_cast<uint64_t>(k))
        .Normal();
  };
  for (int b = 0; b < kBrandNames; ++b)
    brands_.push_back(Random(config_.seed(), static_cast<uint64_t>(b), kBrands).Normal());
  for (int64_t u = 0; u < config_.n_users(); ++u) {
    Random random(config_.seed(), static_cast<uint64_t>(u), kUsers);
    User& user = users_.emplace_back();
    user.name = UserName(u);
    user.age = static_cast<int>(random.Below(kAges));
    user.region = static_cast<int>(random.Below(kRegionNames.size()));
    user.openness = random.Normal();
    user.thrift = random.Normal();
    for (int k = 0; k < kThemes; ++k) {
      user.taste[k] = 0.8 * of_group(0, user.age, k) + 0.3 * random.Normal();
      user.moving[k] = random.Normal();
    }
    for (int k = 0; k < kStyles; ++k)
      user.style[k] = 0.8 * of_group(1, user.region, k) + 0.3 * random.Normal();
  }
  double sum = 0;
  for (int64_t i = 0; i < config_.n_items() + config_.n_new_items(); ++i) {
    Random random(config_.seed(), static_cast<uint64_t>(i), kItems);
    Item& item = items_.emplace_back();
    item.category = static_cast<int>(random.Below(kCategories.size()));
    item.style = static_cast<int>(random.Below(kStyles));
    item.colour = static_cast<int>(random.Below(kColours.size()));
    item.brand = static_cast<int>(random.Below(kBrandNames));
    item.price = random.Normal();
    item.quality = random.Normal();
    item.value = random.Normal();
    item.name = TextOf(kStyleNames[static_cast<size_t>(item.style)], "-",
                       kColours[static_cast<size_t>(item.colour)], "-",
                       kCategories[static_cast<size_t>(item.category)], "-", i);
    if (!IsNew(static_cast<int>(i))) shown_.push_back(sum += std::exp(0.8 * random.Normal()));
  }
}

double ShopWorld::Liking(const User& user, const Item& item, double time) const {
  const int theme = item.category / 3;
  const double passed = time / config_.n_days();
  const double season =
      0.15 * std::sin(2 * std::numbers::pi * (passed + static_cast<double>(theme) / kThemes));
  return user.taste[theme] + config_.drift() * passed * user.moving[theme] + season +
         0.7 * user.style[item.style] + 0.6 * brands_[static_cast<size_t>(item.brand)] +
         0.4 * item.quality;
}

double ShopWorld::ClickProbability(int u, int i, double time) const {
  const User& user = users_[static_cast<size_t>(u)];
  const Item& item = items_[static_cast<size_t>(i)];
  return Sigmoid(-3 + Liking(user, item, time) + 0.4 * user.openness -
                 0.4 * user.thrift * item.price);
}

/// Half by how often an item is shown to all, half what suits best of three.
int ShopWorld::ShownItem(const User& user, double time, uint64_t row) const {
  Random random(config_.seed(), row, kItems, kUsers);
  const bool shows_new =
      time >= test_time() && config_.n_new_items() > 0 && random.Uniform() < config_.new_share();
  const auto draw = [&] {
    if (shows_new)
      return static_cast<int>(
          config_.n_items() +
          static_cast<int64_t>(random.Below(static_cast<uint64_t>(config_.n_new_items()))));
    const auto at =
        std::upper_bound(shown_.begin(), shown_.end(), random.Uniform() * shown_.back());
    return static_cast<int>(std::min(at, shown_.end() - 1) - shown_.begin());
  };
  int best = draw();
  if (random.Uniform() < 0.5) return best;
  for (int k = 0; k < 2; ++k) {
    const int other = draw();
    if (Liking(user, items_[static_cast<size_t>(other)], time) >
        Liking(user, items_[static_cast<size_t>(best)], time))
      best = other;
  }
  return best;
}

ShopWorld::Event ShopWorld::EventOf(int64_t row) const {
  Random random(config_.seed(), static_cast<uint64_t>(row));
  Event event;
  event.user = static_cast<int>(random.Below(users_.size()));
  event.time = Rounded(static_cast<double>(config_.n_days()) * static_cast<double>(row) /
                       static_cast<double>(config_.n_events()));
  const User& user = users_[static_cast<size_t>(event.user)];
  event.item = ShownItem(user, event.time, static_cast<uint64_t>(row));
  const Item& item = items_[static_cast<size_t>(event.item)];
  event.p_click = ClickProbability(event.user, event.item, event.time);
  event.p_conversion = Sigmoid(-1.4 + 0.5 * Liking(user, item, event.time) + 0.3 * item.value -
                               0.4 * (1 + user.thrift) * item.price);
  event.click = random.Uniform() < event.p_click;
  event.purchase = random.Uniform() < event.p_conversion && event.click;
  return event;
}

std::vector<WorldFile> ShopWorld::files() const {
  const DataTable users = {{{"user"}, {"age"}, {"region"}}, [this](TableWriter* out) {
                             for (const User& user : users_)
                               out->Row({user.name, kAgeNames[static_cast<size_t>(user.age)],
                                         kRegionNames[static_cast<size_t>(user.region)]});
                           }};
  const DataTable items = {{{"item"},
                            {"category"},
                            {"style"},
                            {"colour"},
                            {"brand"},
                            {"price", ColumnKind::kNumber},
                            {"first_day", ColumnKind::kInteger}},
                           [this](TableWriter* out) { WriteItems(out); }};
  const DataTable events = {{{"user"},
                             {"item"},
                             {"time", ColumnKind::kNumber},
                             {"click", ColumnKind::kInteger, true},
                             {"purchase", ColumnKind::kInteger, true},
                             {"conversion", ColumnKind::kInteger, true}},
                            [this](TableWriter* out) { WriteEvents(out); }};
  const DataTable truth = {{{"p_click", ColumnKind::kNumber},
                            {"p_conversion", ColumnKind::kNumber},
                            {"p_purchase", ColumnKind::kNumber}},
                           [this](TableWriter* out) { WriteTruth(out); }};
  return {{"users", users}, {"items", items}, {"events", events}, {"truth", truth}};
}

void ShopWorld::WriteItems(TableWriter* out) const {
  for (int i = 0; i < n_items(); ++i) {
    const Item& one = items_[static_cast<size_t>(i)];
    out->Row({one.name, kCategories[static_cast<size_t>(one.category)],
              kStyleNames[static_cast<size_t>(one.style)],
              kColours[static_cast<size_t>(one.colour)], "brand-" + std::to_string(one.brand),
              Fixed(20 * std::exp(0.7 * one.price), 2),
              std::to_string(IsNew(i) ? config_.n_days() - config_.n_new_days() : 0)});
  }
}

void ShopWorld::WriteEvents(TableWriter* out) const {
  for (int64_t row = 0; row < config_.n_events(); ++row) {
    const Event event = EventOf(row);
    out->Row({user(event.user), item(event.item), Fixed(event.time, 5), Bit(event.click),
              Bit(event.purchase), event.click ? Value(Bit(event.purchase)) : Value()});
  }
}

void ShopWorld::WriteTruth(TableWriter* out) const {
  for (int64_t row = 0; row < config_.n_events(); ++row) {
    const Event event = EventOf(row);
    out->Row({Fixed(event.p_click, 7), Fixed(event.p_conversion, 7),
              Fixed(event.p_click * event.p_conversion, 7)});
  }
}

}  // namespace zhiyin::launch::apps
