// A shop with known probabilities, as world.proto says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/world.pb.h"
#include "launch/apps/generate/world_parts.h"

namespace zhiyin::launch::apps {

/// With the user u, the item i and everything about them N(0, 1) unless said otherwise, at a time t
/// of n_days:
///
///   z            = taste(u, theme(i), t) + 0.15 season(theme(i), t) + 0.7 style(u, style(i))
///                  + 0.6 brand(i) + 0.4 quality(i)
///   p_click      = sigmoid(-3 + z + 0.4 openness(u) - 0.4 thrift(u) price(i))
///   p_conversion = sigmoid(-1.4 + 0.5 z + 0.3 value(i) - 0.4 (1 + thrift(u)) price(i))
///   taste        = 0.8 of the user's age group + 0.3 own + drift t / n_days moving
///   style        = 0.8 of the region + 0.3 own
///
/// A pure function of the configuration. Immutable; any number of threads.
class ShopWorld {
 public:
  /// REQUIRES: a configuration from WithDefaults.
  explicit ShopWorld(const Shop& config);

  /// Throws Error for values that make no sense.
  static Shop WithDefaults(Shop config);

  struct Event {
    int user = 0;
    int item = 0;
    double time = 0;
    double p_click = 0;
    double p_conversion = 0;
    bool click = false;
    bool purchase = false;
  };
  Event EventOf(int64_t row) const;
  double ClickProbability(int user, int item, double time) const;

  int n_users() const { return static_cast<int>(users_.size()); }
  int n_items() const { return static_cast<int>(items_.size()); }
  const std::string& user(int u) const { return users_[static_cast<size_t>(u)].name; }
  const std::string& item(int i) const { return items_[static_cast<size_t>(i)].name; }
  bool IsNew(int i) const { return i >= config_.n_items(); }
  /// From when on events are for testing.
  double test_time() const { return config_.n_days() - config_.n_new_days(); }

  std::vector<WorldFile> files() const;

 private:
  static constexpr int kThemes = 6;
  static constexpr int kStyles = 6;

  struct User {
    std::string name;
    int age = 0;
    int region = 0;
    double taste[kThemes];
    double moving[kThemes];
    double style[kStyles];
    double openness = 0;
    double thrift = 0;
  };
  struct Item {
    std::string name;
    int category = 0;
    int style = 0;
    int colour = 0;
    int brand = 0;
    double price = 0;  // N(0, 1), of its logarithm
    double quality = 0;
    double value = 0;
  };

  double Liking(const User& user, const Item& item, double time) const;
  int ShownItem(const User& user, double time, uint64_t row) const;

  Shop config_;
  std::vector<User> users_;
  std::vector<Item> items_;
  std::vector<double> brands_;
  std::vector<double> shown_;  // of the old items: how often up to each
};

}  // namespace zhiyin::launch::apps
