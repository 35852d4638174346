// Examples for pairs of a user and an item that need not be in any file.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/behaviour.h"
#include "worker/data/example_parser.h"
#include "worker/data/joins.h"
#include "worker/saved/frozen_model.h"

namespace zhiyin::worker::recommend {

/// A user to make a list for.
struct AskedUser {
  int number = -1;     // in the Behaviour; -1: a user without events
  std::string name{};  // of a user without events; may be empty
  /// What is known beside the Behaviour, in place of what data.join says: columns with their
  /// values.
  std::vector<std::pair<std::string, std::string>> known{};
  /// Items that the user has had, oldest first, in place of the events that the Behaviour has of
  /// the user; those that it does not know count as other unknown values do. Empty: not given.
  std::vector<std::string> history{};

  /// Whether nothing is known of the user.
  bool IsUnknown() const { return number < 0 && known.empty() && history.empty(); }
};

/// Returns the items of a value of the column `history`: what stands between "|", without spaces
/// around it if `trim`. Empty ones are none.
std::vector<std::string> ItemsOfHistory(std::string_view value, bool trim);

/// Makes examples for a model's job. An example has the user, the item, the history, the item's
/// share of the events, the columns that data.join adds for user and item, and what is known of the
/// user; other columns are missing values. Immutable; any number of threads.
class PairRows {
 public:
  /// `behaviour` may be that of another job with the same users and items. Throws Error where the
  /// job has no data.behaviour, or a joined file cannot be read.
  PairRows(const Job& job, std::shared_ptr<const data::Behaviour> behaviour,
           data::ExampleParser::Observer observer = {});

  data::Examples NewExamples() const { return parser_->NewExamples(); }
  /// Appends an example; -1 stands for no user, or no item.
  void Append(int user, int item, std::string_view history, data::Examples* rows) const {
    Append(AskedUser{.number = user}, item, history, rows);
  }
  /// Appends an example. What is known of the user in columns that TakesOfUser refuses is left out.
  /// REQUIRES: WhatIsWrong returns "".
  void Append(const AskedUser& user, int item, std::string_view history,
              data::Examples* rows) const;
  /// Whether a user's value of this column can be given: it is an input or a column of a join, and
  /// neither the user, nor the item, nor joined by the item; or it is `history`, and an input.
  bool TakesOfUser(std::string_view column) const;
  /// The column `history` of the user: of what is given, else of the Behaviour.
  std::string HistoryOf(const AskedUser& user) const;
  /// Why the examples of this user cannot be read; "" if they can.
  std::string WhatIsWrong(const AskedUser& user) const;

 private:
  /// The position of the column if TakesOfUser, otherwise names_.size().
  size_t PlaceOf(std::string_view column) const;
  /// Appends as Append does; returns what is wrong, or "".
  std::string Parse(const AskedUser& user, int item, std::string_view history,
                    data::Examples* rows) const;

  std::shared_ptr<const data::Behaviour> behaviour_;
  bool reads_history_ = false;
  bool reads_log_share_ = false;
  size_t n_own_ = 0;  // the first columns, those of the files, all missing but two:
  size_t user_column_ = 0;
  size_t item_column_ = 0;
  std::vector<std::string> names_;  // of the columns of the files and of the joins
  data::Joins::Plan joins_;
  std::unique_ptr<data::ExampleParser> parser_;
};

/// The item tower's vectors for all items of a behaviour.
struct ItemVectors {
  Matrix vectors;         // [n_items, dim]
  float temperature = 1;  // of the model's softmax over products
};
/// REQUIRES: the model has two towers, here and below.
ItemVectors VectorsOfItems(const saved::FrozenModel& model, const PairRows& rows,
                           const data::Behaviour& behaviour);
/// Returns the user tower's vectors [users.size(), dim] for these users of the behaviour, whose
/// histories include all training events.
Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour, std::span<const int> users);
/// Those of all users.
Matrix VectorsOfUsers(const saved::FrozenModel& model, const PairRows& rows,
                      const data::Behaviour& behaviour);

}  // namespace zhiyin::worker::recommend
