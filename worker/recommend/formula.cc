#include "worker/recommend/formula.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <sstream>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker::recommend {

/// A recursive-descent parser of this grammar:
///
///   sum: product (+- product)*     product: signed (*/ signed)*
///   signed: - signed | power       power: atom (^ signed)?
class Formula::Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& names, std::vector<Step>* steps)
      : text_(text), names_(names), steps_(steps) {}

  void Run() {
    Sum();
    Skip();
    if (at_ < text_.size()) Wrong("expected an operator");
  }

 private:
  [[noreturn]] void Wrong(const std::string& what) const {
    Fail("formula, column ", at_ + 1, ": ",
         at_ < text_.size() ? "\"" + std::string(1, text_[at_]) + "\", " : std::string("the end, "),
         what);
  }
  void Skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool Take(char c) {
    Skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Take(c)) Wrong(std::string("expected ") + c);
  }
  void Add(Op op) { steps_->push_back({op}); }

  void Sum() {
    if (++depth_ > kMaxDepth)
      Wrong(TextOf("nested too deep, expected at most ", kMaxDepth, " levels"));
    Product();
    while (true) {
      if (Take('+')) {
        Product();
        Add(Op::kAdd);
      } else if (Take('-')) {
        Product();
        Add(Op::kSubtract);
      } else {
        break;
      }
    }
    --depth_;
  }
  void Product() {
    Signed();
    while (true) {
      if (Take('*')) {
        Signed();
        Add(Op::kMultiply);
      } else if (Take('/')) {
        Signed();
        Add(Op::kDivide);
      } else {
        return;
      }
    }
  }
  void Signed() {
    if (++depth_ > kMaxDepth)
      Wrong(TextOf("nested too deep, expected at most ", kMaxDepth, " levels"));
    if (Take('-')) {
      Signed();
      Add(Op::kNegate);
    } else {
      Atom();
      if (Take('^')) {
        Signed();
        Add(Op::kPower);
      }
    }
    --depth_;
  }
  void Atom() {
    Skip();
    if (Take('(')) {
      Sum();
      Expect(')');
      return;
    }
    const auto is_letter = [&](size_t i) {
      return std::isalpha(static_cast<unsigned char>(text_[i])) || text_[i] == '_';
    };
    const auto is_digit = [&](size_t i) {
      return std::isdigit(static_cast<unsigned char>(text_[i])) != 0;
    };
    if (at_ == text_.size()) Wrong("expected a number, a task or (");
    if (is_digit(at_) || text_[at_] == '.') {
      Step step = {Op::kNumber};
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), step.number);
      if (error != std::errc()) Wrong("expected a number");
      at_ = static_cast<size_t>(end - text_.data());
      steps_->push_back(step);
      return;
    }
    if (!is_letter(at_)) Wrong("expected a number, a task or (");
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(at_) || is_digit(at_))) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (Take('(')) {
      Call(begin, name);
      return;
    }
    const auto known = std::find(names_.begin(), names_.end(), name);
    if (known == names_.end())
      Fail("formula, column ", begin + 1, ": no task \"", name, "\"", Suggestion(name, names_));
    steps_->push_back({Op::kName, 0, static_cast<size_t>(known - names_.begin())});
  }
  void Call(size_t begin, const std::string& name) {
    const bool two = name == "min" || name == "max";
    if (!two && name != "exp" && name != "log")
      Fail("formula, column ", begin + 1, ": no function \"", name,
           "\", expected exp, log, min or max");
    Sum();
    if (two) {
      Expect(',');
      Sum();
    }
    Expect(')');
    Add(name == "exp" ? Op::kExp : name == "log" ? Op::kLog : name == "min" ? Op::kMin : Op::kMax);
  }
  std::string_view text_;
  const std::vector<std::string>& names_;
  std::vector<Step>* steps_;
  size_t at_ = 0;
  int depth_ = 0;
};

Formula::Formula(std::string_view text, std::vector<std::string> names) {
  if (text.size() > kMaxBytes)
    Fail("formula: ", text.size(), " bytes, expected at most ", kMaxBytes);
  Parser(text, names, &steps_).Run();
}

double Formula::operator()(std::span<const float> values) const {
  std::vector<double> stack;
  const auto pop = [&] {
    const double top = stack.back();
    stack.pop_back();
    return top;
  };
  for (const Step& step : steps_) {
    switch (step.op) {
      case Op::kNumber:
        stack.push_back(step.number);
        continue;
      case Op::kName:
        stack.push_back(values[step.name]);
        continue;
      case Op::kNegate:
        stack.back() = -stack.back();
        continue;
      case Op::kExp:
        stack.back() = std::exp(stack.back());
        continue;
      case Op::kLog:
        stack.back() = std::log(stack.back());
        continue;
      case Op::kAdd:
      case Op::kSubtract:
      case Op::kMultiply:
      case Op::kDivide:
      case Op::kPower:
      case Op::kMin:
      case Op::kMax:
        break;
    }
    const double b = pop();
    double& a = stack.back();
    if (step.op == Op::kAdd) a += b;
    if (step.op == Op::kSubtract) a -= b;
    if (step.op == Op::kMultiply) a *= b;
    if (step.op == Op::kDivide) a /= b;
    if (step.op == Op::kPower) a = std::pow(a, b);
    if (step.op == Op::kMin) a = std::min(a, b);
    if (step.op == Op::kMax) a = std::max(a, b);
  }
  return stack.back();
}

}  // namespace zhiyin::worker::recommend
