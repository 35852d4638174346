// Jobs that cannot be, and the one line that each gives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::testing {

/// What LineOfJob says of a job that is accepted.
inline constexpr char kNoError[] = "no error";

/// The line with which a job's text is refused; the file is called "job".
std::string LineOfJob(std::string_view text, const std::vector<std::string>& overrides = {});

/// Tasks of the shop's job, a line each: two with probabilities, one with a number.
inline constexpr char kClickTask[] =
    "task { name: \"click\" label { equals: \"1\" } binary_cross_entropy {} }\n";
inline constexpr char kOrderTask[] =
    "task { name: \"order\" label { equals: \"1\" } binary_cross_entropy {} }\n";
inline constexpr char kPriceTask[] =
    "task { name: \"price\" label { number {} } squared_error {} }\n";

/// The text of a valid job but for its model: a table "ids" of dim 6, fields "user" and "item", a
/// numeric "price". `tasks` are lines, the first of which is line 10; the model is on the line
/// behind the one of `train`, which comes after them: line 13 where there are two tasks.
std::string ShopJob(const std::string& tasks, const std::string& model);

/// LineOfJob of the shop's job with tasks click and order.
std::string LineOfModel(const std::string& model, const std::vector<std::string>& overrides = {});

/// A model of the shop's job, and the line that it gives.
struct RefusedModel {
  std::string model;
  std::string line;
  std::vector<std::string> overrides = {};
};

/// Expects of each row that LineOfModel gives its line.
void ExpectRefused(const std::vector<RefusedModel>& rows);

}  // namespace zhiyin::testing
