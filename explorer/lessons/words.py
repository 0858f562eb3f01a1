"""The words of the page Learn itself and of its experiments, in each language. Lessons bring their own texts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Words:
    """One language. Braces are filled in by ``str.format``."""

    name: str
    decimal: str  # the mark in numbers
    axes: Mapping[str, str]  # titles of the axes of grids by their names; others have their label
    statuses: Mapping[str, str]  # of runs; others as they are
    introduction: str
    minutes: str
    start: str
    go_on: str
    done: str
    all_lessons: str
    step: str
    back: str
    next: str
    next_lesson: str
    other_language: str
    broken: str
    first_guess: str
    first_answer: str
    guess: str
    answer: str
    choose: str
    draw: str
    draw_first: str
    skip: str
    skipped: str
    again: str
    your_guess: str
    your_answer: str
    result: str
    right_choice: str
    wrong_choice: str
    away: str
    mean_away: str
    class_answers: str
    class_middle: str
    class_few: str
    try_it: str
    right: str
    share: str
    accuracy: str
    all_background: str
    all_background_caption: str
    ce_of_it: str
    ce_axis: str
    ce_caption: str
    larger_loss: str
    false_alarms_title: str
    misses: str
    false_alarms: str
    false_alarms_caption: str
    of_one: str
    of_many: str
    misses_caption: str
    misses_title: str
    misses_text: str
    brush: str
    brush_object: str
    paint_label: str
    paint_caption: str
    painted: str
    in_few: str
    painted_title: str
    painted_none: str
    painted_caption: str
    clear: str
    all_of_one: str
    one_of_each: str
    probability: str
    gradient: str
    gradient_caption: str
    gradient_pixel: str
    times_ce: str
    loss: str
    recall: str
    precision: str
    f1: str
    score_at_half: str
    threshold_curve: str
    runs_at_half: str
    diverged: str
    grid_caption: str
    table_caption: str
    curves_caption: str
    train_cell: str
    train_cell_caption: str
    cell_on_train: str
    cell_caption: str
    cell_live: str
    cell_finished: str
    training: str
    run: str
    step_of_run: str
    paths_caption: str
    end_caption: str
    objects: str
    pixels: str
    field: str
    slices_caption: str
    plane_random: str
    plane_gradients: str
    plane_hessian: str
    slices_head: str
    slices_length: str
    restarts: str

    def localised(self, text: str) -> str:
        """A text whose numbers have the language's decimal mark."""
        return re.sub(r"(?<=\d)\.(?=\d)", self.decimal, text)

    def number(self, value: float | None, digits: str = ".2f") -> str:
        """A number with its digits as ``format`` takes them; n/a where it is undefined."""
        return "n/a" if value is None or math.isnan(value) else self.localised(f"{value:{digits}}")


_ENGLISH = Words(
    name="English",
    decimal=".",
    axes={},
    statuses={},
    introduction="Short lessons on what a loss does to recall and precision. In each, you first say what you expect, "
    "then see what happens: computed while you wait, or in runs that come with the app.",
    minutes="about {} minutes",
    start="Start",
    go_on="Go on with step {}",
    done="done",
    all_lessons="All lessons",
    step="Step {} of {}",
    back="Back",
    next="Next",
    next_lesson="Next lesson: {}",
    other_language="This lesson is not translated yet; it is shown in English.",
    broken="This lesson cannot be shown.",
    first_guess="**Before you see it:** {}",
    first_answer="**Question:** {}",
    guess="This is my guess",
    answer="This is my answer",
    choose="Your choice",
    draw="Drag across the chart, or select a point with Tab and move it with the arrow keys.",
    draw_first="Draw the line first.",
    skip="Show it without a guess",
    skipped="Shown without a guess.",
    again="Guess again",
    your_guess="your guess",
    your_answer="your answer",
    result="result",
    right_choice="**Right:** {}",
    wrong_choice="**You chose:** {}  \n**The result:** {}",
    away="Your guess is {} away from the result.",
    mean_away="On average, your line is {} away from the result.",
    class_answers="What the class said ({} answers)",
    class_middle="class, median",
    class_few="The answers of the class appear here once {} have answered.",
    try_it="Try it",
    right="right",
    share="Foreground share",
    accuracy="Pixels that are right",
    all_background="All background",
    all_background_caption="A label with {} objects. Orange: missed, which here is every object. **{}** of the pixels "
    "are right, recall is **0**.",
    ce_of_it="Loss of that prediction",
    ce_axis="% of the loss where every pixel is wrong, both minus that of a perfect prediction",
    ce_caption="In percent of the same loss where every pixel is wrong. Both count from the loss of a prediction that "
    "is right everywhere, which is not 0: predictions are {} certain at every pixel.",
    larger_loss="← {} · larger loss · {} →",
    false_alarms_title="Loss of misses ÷ loss of false alarms",
    misses="misses",
    false_alarms="false alarms",
    false_alarms_caption="All objects missed, against false alarms on as many pixels. At ×1 both cost the same.",
    of_one="{} pixels of one object",
    of_many="1 pixel of {} objects",
    misses_caption="Pixel recall **{}**, objects found **{} of {}** (IoU > 0.5). Blue: found, orange: missed.",
    misses_title="Loss of the left ÷ loss of the right",
    misses_text="Both are counted from the loss of a perfect prediction. At ×1 the loss cannot tell them apart.",
    brush="Brush",
    brush_object="whole object",
    paint_label="A label with fifty objects. Paint the pixels that are missed.",
    paint_caption="Paint misses with the pointer; painting a missed pixel takes it back. By keys: arrows move, the "
    "space bar paints.",
    painted="your misses",
    in_few="as many in few objects",
    painted_title="Loss of your misses ÷ loss of as many misses in as few objects as possible",
    painted_none="Paint at least one missed pixel, and the losses appear here.",
    painted_caption="Pixels missed: **{}**, objects touched: **{}**, objects found: **{} of {}** (IoU > 0.5). Pixel "
    "recall **{}**. At ×1 the loss does not see how the misses are spread.",
    clear="Clear",
    all_of_one="50 pixels of one",
    one_of_each="1 pixel of each",
    probability="Probability of the object class at a missed pixel",
    gradient="gradient at the missed pixel",
    gradient_caption="−∂L/∂z by the logit of the object class, at a pixel of an object. The segmenter gives the "
    "probability on the x axis at every pixel, so that it finds nothing. {} pixels, {} of them of objects. Compare how "
    "the lines run, not their heights.",
    gradient_pixel="At p = {}:",
    times_ce="÷ cross-entropy",
    loss="Loss",
    recall="recall",
    precision="precision",
    f1="F1",
    score_at_half="score, pixels at threshold ½",
    threshold_curve="weight {} at every threshold",
    runs_at_half="each weight at threshold ½",
    diverged="diverged",
    grid_caption="{} finished runs on {}, {} steps each, alike in all but this setting, one seed. Pixels at "
    "threshold ½, validation scenes.",
    table_caption="{} of {} finished runs on {}, {} steps each, one seed. Pixels at threshold ½, validation scenes.",
    curves_caption="Line: the run with the smallest weight, at every threshold. Points: the other runs at threshold ½. "
    "{}, {} steps each, one seed, pixels, validation scenes.",
    train_cell="Train this cell",
    train_cell_caption="Trains the same plan again, now: {} steps, about half a minute on an idle machine.",
    cell_on_train="Take this plan to Train, for your imagery",
    cell_caption="Pixels at threshold ½, validation scenes.",
    cell_live="live",
    cell_finished="finished run",
    training="Training, step {} of {}",
    run="run",
    step_of_run="step",
    paths_caption="One point for each validation, the large one is the last; its colour is that of the loss that was "
    "trained. Where nothing was predicted, precision is n/a and no point is drawn. Threshold ½, {}, class {}, "
    "validation scenes.",
    end_caption="The last validation of each run. Threshold ½, {}, class {}, validation scenes.",
    objects="objects ({})",
    pixels="pixels",
    field="Field",
    slices_caption="Around the checkpoint at step {} of {} on {}, on validation crops. Dots: measured points; between "
    "them it is interpolated. All planes have one scale of colours; losses are drawn as log₁₀.",
    plane_random="Random plane",
    plane_gradients="Plane of two gradients",
    plane_hessian="Hessian plane",
    slices_head="| Plane | Cosine of the axes | Measured points | Lowest value below the centre |",
    slices_length=" Length of a unit |",
    restarts="restarts",
)

_GERMAN = Words(
    name="Deutsch",
    decimal=",",
    axes={"class_weight": "Gewicht der Objekte", "gamma": "Fokus γ", "learning_rate": "Lernrate"},
    statuses={
        "queued": "wartet",
        "running": "läuft",
        "paused": "angehalten",
        "interrupted": "unterbrochen",
        "done": "fertig",
        "stopped": "gestoppt",
        "diverged": "divergiert",
        "failed": "fehlgeschlagen",
    },
    introduction="Kurze Lektionen darüber, was eine Loss-Funktion mit Recall und Precision macht. Du sagst zuerst, was "
    "du erwartest, und siehst dann, was geschieht: sofort berechnet oder aus Läufen, die der App beiliegen.",
    minutes="etwa {} Minuten",
    start="Anfangen",
    go_on="Weiter mit Schritt {}",
    done="fertig",
    all_lessons="Alle Lektionen",
    step="Schritt {} von {}",
    back="Zurück",
    next="Weiter",
    next_lesson="Nächste Lektion: {}",
    other_language="Diese Lektion ist noch nicht übersetzt, du siehst sie auf Englisch.",
    broken="Diese Lektion kann nicht gezeigt werden.",
    first_guess="**Bevor du es siehst:** {}",
    first_answer="**Frage:** {}",
    guess="Das ist mein Tipp",
    answer="Das ist meine Antwort",
    choose="Deine Wahl",
    draw="Zieh die Linie mit der Maus oder dem Finger, oder wähle einen Punkt mit Tab und bewege ihn mit den "
    "Pfeiltasten.",
    draw_first="Zeichne zuerst die Linie.",
    skip="Ohne Tipp zeigen",
    skipped="Ohne Tipp gezeigt.",
    again="Noch einmal tippen",
    your_guess="dein Tipp",
    your_answer="deine Antwort",
    result="Ergebnis",
    right_choice="**Richtig:** {}",
    wrong_choice="**Deine Wahl:** {}  \n**Das Ergebnis:** {}",
    away="Dein Tipp liegt um {} neben dem Ergebnis.",
    mean_away="Deine Linie liegt im Mittel um {} neben dem Ergebnis.",
    class_answers="Was die Klasse gesagt hat ({} Antworten)",
    class_middle="Klasse, Median",
    class_few="Die Antworten der Klasse erscheinen hier, sobald {} geantwortet haben.",
    try_it="Probier es aus",
    right="richtig",
    share="Anteil der Objekte",
    accuracy="Richtige Pixel",
    all_background="Alles Hintergrund",
    all_background_caption="Ein Label mit {} Objekten. Orange: übersehen, hier also jedes Objekt. **{}** der Pixel "
    "sind richtig, der Recall ist **0**.",
    ce_of_it="Loss dieser Vorhersage",
    ce_axis="% des Loss, wenn jedes Pixel falsch ist; beide ab einer perfekten Vorhersage",
    ce_caption="In Prozent desselben Loss, wenn jedes Pixel falsch ist. Beides zählt ab dem Loss einer Vorhersage, die "
    "überall richtig ist. Der ist nicht 0, denn Vorhersagen sind sich überall zu {} sicher.",
    larger_loss="← {} · größerer Loss · {} →",
    false_alarms_title="Loss der übersehenen Pixel ÷ Loss der Fehlalarme",
    misses="übersehene Pixel",
    false_alarms="Fehlalarme",
    false_alarms_caption="Alle Objekte übersehen, gegen Fehlalarme auf ebenso vielen Pixeln. Bei ×1 kostet beides "
    "gleich viel.",
    of_one="{} Pixel eines Objekts",
    of_many="1 Pixel von {} Objekten",
    misses_caption="Pixel-Recall **{}**, gefundene Objekte **{} von {}** (IoU > 0,5). Blau: gefunden, orange: "
    "übersehen.",
    misses_title="Loss links ÷ Loss rechts",
    misses_text="Beides zählt ab dem Loss einer perfekten Vorhersage. Bei ×1 kann der Loss sie nicht unterscheiden.",
    brush="Pinsel",
    brush_object="ganzes Objekt",
    paint_label="Ein Label mit fünfzig Objekten. Male die Pixel an, die übersehen werden.",
    paint_caption="Male die übersehenen Pixel mit der Maus oder dem Finger an; ein zweites Mal nimmt sie zurück. Mit "
    "Tasten: Pfeile bewegen, die Leertaste malt.",
    painted="deine übersehenen Pixel",
    in_few="ebenso viele in wenigen Objekten",
    painted_title="Loss deiner übersehenen Pixel ÷ Loss ebenso vieler in möglichst wenigen Objekten",
    painted_none="Male mindestens ein Pixel an, dann erscheinen hier die Loss-Funktionen.",
    painted_caption="Übersehene Pixel: **{}**, betroffene Objekte: **{}**, gefundene Objekte: **{} von {}** (IoU > "
    "0,5). Pixel-Recall **{}**. Bei ×1 sieht der Loss nicht, wie sich die Pixel verteilen.",
    clear="Leeren",
    all_of_one="50 Pixel von einem",
    one_of_each="1 Pixel von jedem",
    probability="Wahrscheinlichkeit der Objektklasse am übersehenen Pixel",
    gradient="Gradient am übersehenen Pixel",
    gradient_caption="−∂L/∂z nach dem Logit der Objektklasse, an einem Pixel eines Objekts. Der Segmenter gibt überall "
    "die Wahrscheinlichkeit der x-Achse, findet also nichts. {} Pixel, davon {} von Objekten. Vergleiche den Verlauf "
    "der Linien, nicht ihre Höhe.",
    gradient_pixel="Bei p = {}:",
    times_ce="÷ Kreuzentropie",
    loss="Loss",
    recall="Recall",
    precision="Precision",
    f1="F1",
    score_at_half="Wert, Pixel bei Schwelle ½",
    threshold_curve="Gewicht {} bei jeder Schwelle",
    runs_at_half="jedes Gewicht bei Schwelle ½",
    diverged="divergiert",
    grid_caption="{} fertige Läufe auf {} mit je {} Schritten, gleich bis auf diese Einstellung, ein Seed. Pixel bei "
    "Schwelle ½, Validierungsszenen.",
    table_caption="{} von {} fertigen Läufen auf {} mit je {} Schritten, ein Seed. Pixel bei Schwelle ½, "
    "Validierungsszenen.",
    curves_caption="Linie: der Lauf mit dem kleinsten Gewicht, bei jeder Schwelle. Punkte: die anderen Läufe bei "
    "Schwelle ½. {}, je {} Schritte, ein Seed, Pixel, Validierungsszenen.",
    train_cell="Dieses Feld trainieren",
    train_cell_caption="Trainiert denselben Plan noch einmal, jetzt: {} Schritte, etwa eine halbe Minute, wenn der "
    "Rechner sonst nichts tut.",
    cell_on_train="Diesen Plan auf Train öffnen, für deine Bilder",
    cell_caption="Pixel bei Schwelle ½, Validierungsszenen.",
    cell_live="live",
    cell_finished="fertiger Lauf",
    training="Training, Schritt {} von {}",
    run="Lauf",
    step_of_run="Schritt",
    paths_caption="Ein Punkt für jede Validierung, der große ist die letzte; seine Farbe ist die des Loss, der gerade "
    "trainiert wurde. Wo nichts vorhergesagt wurde, ist die Precision n/a, und es gibt keinen Punkt. Schwelle ½, {}, "
    "Klasse {}, Validierungsszenen.",
    end_caption="Die letzte Validierung jedes Laufs. Schwelle ½, {}, Klasse {}, Validierungsszenen.",
    objects="Objekte ({})",
    pixels="Pixel",
    field="Feld",
    slices_caption="Um den Checkpoint bei Schritt {} von {} auf {}, auf Validierungsausschnitten. Punkte: gemessen, "
    "dazwischen interpoliert. Alle Ebenen haben dieselbe Farbskala; Loss-Werte sind als log₁₀ gezeichnet.",
    plane_random="Zufällige Ebene",
    plane_gradients="Ebene zweier Gradienten",
    plane_hessian="Hesse-Ebene",
    slices_head="| Ebene | Kosinus der Achsen | Gemessene Punkte | Tiefster Wert liegt unter der Mitte um |",
    slices_length=" Länge einer Einheit |",
    restarts="Neustarts",
)

WORDS: Mapping[str, Words] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN})
"""By language, as the address has it."""
