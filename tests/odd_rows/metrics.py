"""Metrics as docs/results.md defines them, of exact sums."""
import math


def auc(examples):
    """Of (prediction, label, weight): by counting pairs, in whole numbers where the weights are."""
    by = {}
    for prediction, label, weight in examples:
        pair = by.setdefault(prediction, [0, 0])
        pair[label > 0.5] += weight
    right = positives = negatives = 0
    for prediction in sorted(by):
        negative, positive = by[prediction]
        right += positive * (2 * negatives + negative)
        positives += positive
        negatives += negative
    return right / 2 / positives / negatives if positives and negatives else None


def of_task(examples, is_probability):
    """The metrics of (prediction, label, weight)."""
    metrics = {"samples": len(examples)}
    n = math.fsum(w for _, _, w in examples)
    if n == 0:
        return metrics
    label_sum = math.fsum(w * y for _, y, w in examples)
    mean = label_sum / n
    squared = math.fsum(w * (p - y) * (p - y) for p, y, w in examples)
    deviation = math.fsum(w * (y - mean) * (y - mean) for _, y, w in examples)
    metrics.update(label_mean=mean, mse=squared / n, rmse=math.sqrt(squared / n))
    if len({y for _, y, w in examples if w > 0}) > 1:
        metrics["r2"] = 1 - squared / deviation
    if label_sum != 0:
        metrics["calibration"] = math.fsum(w * p for p, _, w in examples) / label_sum
    if is_probability:
        metrics["auc"] = auc([(p, y, int(w)) for p, y, w in examples])
    return metrics
