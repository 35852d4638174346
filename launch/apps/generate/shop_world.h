// The synthetic data set `shop` of world.proto: users of a shop click and buy items, with known
// probabilities.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/world.pb.h"
#include "launch/apps/generate/world_parts.h"

namespace zhiyin::launch::apps {

/// The probabilities that user u, who is shown item i at time t, clicks, and buys after a click:
///
///   z            = taste(u, theme(i), t) + 0.15 season(theme(i), t) + 0.7 style(u, style(i))
///                  + 0.6 brand(i) + 0.4 quality(i)
///   p_click      = sigmoid(-3 + z + 0.4 openness(u) - 0.4 thrift(u) price(i))
///   p_conversion = sigmoid(-1.4 + 0.5 z + 0.3 value(i) - 0.4 (1 + thrift(u)) price(i))
///
///   taste(u, k, t) = 0.8 a(age(u), k) + 0.3 b(u, k) + drift (t / n_days) c(u, k)
///   style(u, s)    = 0.8 d(region(u), s) + 0.3 e(u, s)
///   season(k, t)   = sin(2 pi (t / n_days + k / kThemes))
///
/// a to e, openness, thrift, price (the logarithm of the price, standardized), brand, quality and
/// value are drawn from N(0, 1). Times are in days, 0 <= t < n_days.
///
/// A pure function of the configuration. Immutable: used by any number of threads at once.
class ShopWorld {
 public:
  /// REQUIRES: a configuration that WithDefaults returned.
  explicit ShopWorld(const Shop& config);

  /// Returns the configuration with defaults in place of fields that are not set. Throws Error,
  /// naming the field, on a value outside its range.
  static Shop WithDefaults(Shop config);

  struct Event {
    int user = 0;
    int item = 0;
    double time = 0;  // in days
    double p_click = 0;
    double p_conversion = 0;  // of a purchase, given a click
    bool click = false;
    bool purchase = false;
  };
  /// Draws row `row` of the events, counted from 0.
  Event EventOf(int64_t row) const;
  /// p_click of this user and item at a time in days.
  double ClickProbability(int user, int item, double time) const;

  int n_users() const { return static_cast<int>(users_.size()); }
  int n_items() const { return static_cast<int>(items_.size()); }
  const std::string& user(int u) const { return users_[static_cast<size_t>(u)].name; }
  const std::string& item(int i) const { return items_[static_cast<size_t>(i)].name; }
  /// Whether item i appears only from test_time() on.
  bool IsNew(int i) const { return i >= config_.n_items(); }
  /// The time in days from which on events are meant for the test split.
  double test_time() const { return config_.n_days() - config_.n_new_days(); }

  /// The files users, items, events and truth. Their tables borrow this object.
  std::vector<WorldFile> files() const;

 private:
  static constexpr int kThemes = 6;
  static constexpr int kStyles = 6;

  struct User {
    std::string name;
    int age = 0;
    int region = 0;
    double taste[kThemes];   // at time 0
    double moving[kThemes];  // c above
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
    double price = 0;  // the standardized logarithm of the price
    double quality = 0;
    double value = 0;
  };

  /// z above.
  double Liking(const User& user, const Item& item, double time) const;
  /// Draws the item of line `row`.
  int ShownItem(const User& user, double time, uint64_t row) const;
  void WriteItems(worker::data::TableWriter* out) const;
  void WriteEvents(worker::data::TableWriter* out) const;
  void WriteTruth(worker::data::TableWriter* out) const;

  Shop config_;
  std::vector<User> users_;
  std::vector<Item> items_;
  std::vector<double> brands_;
  std::vector<double> shown_;  // cumulative popularity of the items that are not new
};

}  // namespace zhiyin::launch::apps
