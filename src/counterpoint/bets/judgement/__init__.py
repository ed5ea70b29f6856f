"""Judgement under uncertainty: what is estimated, what is predicted, and what it would be worth to know.

`estimates` (ranges and the distributions that they mean), `portfolio` (which bet comes first, and where that
is a tie), `information` (what knowing is worth), `next_test` (which cheap test comes next, and why), `prediction`
(questions and their states), `calibration` (how often it came true), all pure; `tables` and two stores,
`estimating` and `predicting`; `routes`, `pages` and `commands`.
"""
