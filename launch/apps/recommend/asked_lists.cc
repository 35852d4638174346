#include "launch/apps/recommend/asked_lists.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "common/tsv.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/format/delimited.h"
#include "worker/data/line_reader.h"
#include "worker/data/text_columns.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::Behaviour;
using worker::data::Dialect;
using worker::data::Line;
using worker::data::LineReader;
using worker::data::LineSplitter;
using worker::recommend::AskedUser;
using worker::recommend::Recommended;
using worker::recommend::Recommender;

/// An id as it is shown in a message.
std::string IdInQuotes(std::string_view id) {
  return "\"" + Shortened(OneLine(id), 100) + "\"";
}

/// Takes the id that a line of a list holds, which is written as the lists of recommend are.
/// Returns what is wrong, or an empty string.
std::string TakeId(const Line& line, bool trim, std::string* id) {
  if (std::string wrong = worker::data::CheckText(line); !wrong.empty()) return wrong;
  const std::string_view text = trim ? worker::data::TrimSpaces(line.text) : line.text;
  id->clear();
  return AppendTsvText(text, id)
             ? ""
             : "a backslash that is no escape, expected \\\\, \\t, \\n, \\r or \\xHH";
}

/// Counts the lines of a file, and notes those that are left out.
class LinesLeftOut {
 public:
  LinesLeftOut(std::string path, const Note& note) : path_(std::move(path)), note_(note) {}

  void CountLine() { ++n_lines_; }
  void Add(int64_t line, const std::string& why) {
    constexpr int64_t kShown = 10;
    if (++n_ <= kShown) note_(path_ + ":" + std::to_string(line) + ": " + why + ": left out");
  }
  /// Notes how many there were. Throws Error where that is all.
  void Finish(const char* expected) const {
    if (n_ == n_lines_)
      Fail(path_, ": ", n_lines_ == 0 ? "is empty" : "none of its lines is of use", ", expected ",
           expected);
    if (n_ > 0)
      note_(path_ + ": " + std::to_string(n_) + " of " + std::to_string(n_lines_) +
            " lines are left out");
  }

 private:
  std::string path_;
  const Note& note_;
  int64_t n_lines_ = 0;
  int64_t n_ = 0;
};

/// The columns of a table of users.
struct UserTable {
  std::vector<std::string> names;
  std::vector<bool> is_taken;
  size_t user = 0;
};

/// Reads the lines of a file of users.
class UserReader {
 public:
  UserReader(const std::string& path, const Job& job, const Recommender& recommender,
             const Note& note)
      : path_(path),
        user_column_(job.data().behaviour().user()),
        dialect_(Dialect::Of(job.data().text())),
        recommender_(recommender),
        note_(note),
        left_out_(path, note) {}

  std::vector<AskedUser> Read() {
    LineReader list(path_);
    Line line;
    bool has_line = list.Next(&line);
    if (has_line && IsHeader(line.text)) {
      ReadTable();
    } else {
      for (; has_line; has_line = list.Next(&line)) {
        left_out_.CountLine();
        TakeListLine(line);
      }
    }
    left_out_.Finish("a user of data.train a line, or a table with what is known of users");
    return std::move(users_);
  }

 private:
  const Behaviour& behaviour() const { return recommender_.behaviour(); }

  /// Whether the first line names the columns of a table; false where the file is a list.
  bool IsHeader(std::string_view line) {
    Dialect dialect = dialect_;
    if (dialect.delimiter.empty()) dialect.delimiter = FindDelimiter(dialect, line);
    LineSplitter splitter(dialect);
    if (!splitter.Split(line, &values_).empty()) return false;
    if (std::find(values_.begin(), values_.end(), user_column_) == values_.end()) return false;
    // A list may begin with a user who is called as the column is.
    return values_.size() > 1 || behaviour().FindUser(user_column_) < 0;
  }

  void ReadTable() {
    LineReader reader(path_, dialect_);
    LineSplitter splitter(reader.dialect());
    Line line;
    reader.Next(&line);
    TakeHeader(line, &splitter);
    while (reader.Next(&line)) {
      left_out_.CountLine();
      TakeTableLine(line, &splitter);
    }
  }

  void TakeHeader(const Line& line, LineSplitter* splitter) {
    std::string wrong = worker::data::CheckText(line);
    if (wrong.empty()) wrong = splitter->Split(line.text, &values_);
    const auto at = std::find(values_.begin(), values_.end(), user_column_);
    if (wrong.empty() && at == values_.end())
      wrong = "no column " + IdInQuotes(user_column_) + ", expected it among those of a table";
    if (!wrong.empty()) Fail(path_, ":", line.number, ": ", wrong);
    table_.user = static_cast<size_t>(at - values_.begin());
    table_.names.assign(values_.begin(), values_.end());
    for (size_t c = 0; c < values_.size(); ++c) {
      table_.is_taken.push_back(c != table_.user && recommender_.TakesOfUser(table_.names[c]));
      if (c != table_.user && !table_.is_taken[c])
        note_(path_ + ":" + std::to_string(line.number) + ": column " +
              IdInQuotes(table_.names[c]) + " is none that the model reads of a user: ignored");
    }
  }

  void TakeTableLine(const Line& line, LineSplitter* splitter) {
    AskedUser user;
    std::string wrong = worker::data::CheckText(line);
    if (wrong.empty()) wrong = splitter->Split(line.text, &values_);
    if (wrong.empty() && values_.size() != table_.names.size())
      wrong = TextOf(values_.size(), " columns, expected ", table_.names.size());
    if (!wrong.empty()) return left_out_.Add(line.number, wrong);
    user.name = values_[table_.user];
    for (size_t c = 0; c < values_.size(); ++c) {
      if (!table_.is_taken[c] || values_[c].empty()) continue;
      if (table_.names[c] == worker::data::kHistoryColumn) {
        user.history = worker::recommend::ItemsOfHistory(values_[c], dialect_.trim);
      } else {
        user.known.emplace_back(table_.names[c], values_[c]);
      }
    }
    Take(line, std::move(user));
  }

  void TakeListLine(const Line& line) {
    AskedUser user;
    if (const std::string wrong = TakeId(line, dialect_.trim, &user.name); !wrong.empty())
      return left_out_.Add(line.number, wrong);
    Take(line, std::move(user));
  }

  void Take(const Line& line, AskedUser user) {
    user.number = behaviour().FindUser(user.name);
    if (user.IsUnknown())
      return left_out_.Add(line.number, TextOf("no user ", IdInQuotes(user.name), " among the ",
                                               behaviour().n_users(), " users of data.train"));
    if (const std::string wrong = recommender_.WhatIsWrong(user); !wrong.empty())
      return left_out_.Add(line.number, "user " + IdInQuotes(user.name) + ": " + wrong);
    users_.push_back(std::move(user));
  }

  std::string path_;
  std::string user_column_;
  Dialect dialect_;
  const Recommender& recommender_;
  const Note& note_;
  LinesLeftOut left_out_;
  UserTable table_;
  std::vector<std::string_view> values_;  // of the line in hand
  std::vector<AskedUser> users_;
};

}  // namespace

std::vector<AskedUser> ReadUsers(const std::string& path, const Job& job,
                                 const Recommender& recommender, const Note& note) {
  return UserReader(path, job, recommender, note).Read();
}

std::vector<int> ReadItems(const std::string& path, const Job& job, const Behaviour& behaviour,
                           const Note& note) {
  const bool trim = Dialect::Of(job.data().text()).trim;
  LinesLeftOut left_out(path, note);
  std::vector<int> items;
  LineReader reader(path);
  Line line;
  std::string name;
  while (reader.Next(&line)) {
    left_out.CountLine();
    if (const std::string wrong = TakeId(line, trim, &name); !wrong.empty()) {
      left_out.Add(line.number, wrong);
      continue;
    }
    const int item = behaviour.FindItem(name);
    if (item >= 0) {
      items.push_back(item);
    } else {
      left_out.Add(line.number, TextOf("no item ", IdInQuotes(name), " among the ",
                                       behaviour.n_items(), " items of data.train and data.join"));
    }
  }
  left_out.Finish("an item of data.train or data.join a line");
  return items;
}

void NoteEmptyLists(const std::vector<AskedUser>& users,
                    const std::vector<std::vector<Recommended>>& lists, const Note& note) {
  size_t n_empty = 0;
  size_t first = 0;
  for (size_t i = users.size(); i-- > 0;) {
    if (!lists[i].empty()) continue;
    ++n_empty;
    first = i;
  }
  if (n_empty == 0) return;
  note(TextOf(n_empty, " of ", users.size(), n_empty == 1 ? " users has" : " users have",
              " no line: no item is left that may be recommended to them (the first is ",
              IdInQuotes(users[first].name), ")"));
}

}  // namespace zhiyin::launch::apps
